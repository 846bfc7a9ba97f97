-- A release is what readers saw until the next one; it goes when that has been long enough ago.
DELETE FROM lake_releases AS old
WHERE
    EXISTS (
        SELECT FROM lake_releases AS later
        WHERE
            later.day = old.day
            AND later.release > old.release
            AND later.released_at < clock_timestamp() - %(kept_for)s
    )
