-- Versions that are neither current nor in a release, replaced long enough ago or of datasets that were withdrawn; of
-- clocks that were set wrong as in delete_superseded_releases.
SELECT old.dataset, old.day, old.version, old.sha256, old.size_bytes, old.row_count, old.published_at
FROM lake_file_versions AS old
WHERE
    (
        old.dataset = any(%(withdrawn)s::text[])
        OR (
            (
                SELECT later.published_at
                FROM lake_file_versions AS later
                WHERE
                    later.dataset = old.dataset
                    AND later.day = old.day
                    AND later.version > old.version
                    AND later.published_at <= clock_timestamp()
                ORDER BY later.version
                LIMIT 1
            ) < clock_timestamp() - %(kept_for)s
            AND old.published_at NOT BETWEEN clock_timestamp() - %(kept_for)s AND clock_timestamp()
        )
    )
    AND NOT EXISTS (
        SELECT FROM lake_files AS current_file
        WHERE
            current_file.dataset = old.dataset
            AND current_file.day = old.day
            AND current_file.version = old.version
    )
    AND NOT EXISTS (
        SELECT FROM lake_release_files AS released
        WHERE released.dataset = old.dataset AND released.day = old.day AND released.version = old.version
    )
ORDER BY old.day, old.dataset, old.version
