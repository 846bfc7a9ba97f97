-- A release is what readers saw until the next one; it goes when that has been long enough ago. A clock that was set wrong
-- for a while takes none of them early: an instant to come tells nothing of when a release was replaced, and one that was
-- itself released lately was not replaced before.
DELETE FROM lake_releases AS old
WHERE
    (
        SELECT later.released_at
        FROM lake_releases AS later
        WHERE later.day = old.day AND later.release > old.release AND later.released_at <= clock_timestamp()
        ORDER BY later.release
        LIMIT 1
    ) < clock_timestamp() - %(kept_for)s
    AND old.released_at NOT BETWEEN clock_timestamp() - %(kept_for)s AND clock_timestamp()
