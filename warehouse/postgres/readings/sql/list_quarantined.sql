-- What is kept of what was refused, the newest of each code first.
WITH found AS (
    SELECT
        *,
        count(*) OVER of_code AS kept_count,
        sum(times_seen) OVER of_code AS seen_count,
        row_number() OVER (PARTITION BY code ORDER BY last_seen_at DESC, quarantine_id DESC) AS place
    FROM quarantined_readings
    WHERE
        (%(code)s::text IS NULL OR code = %(code)s)
        AND (%(since)s::timestamptz IS NULL OR last_seen_at >= %(since)s)
    WINDOW of_code AS (PARTITION BY code)
)

SELECT
    code, last_seen_at, first_seen_at, times_seen, source, client_address, request_id, pointer, detail, size_bytes, raw,
    kept_count, seen_count::bigint AS seen_count
FROM found
WHERE place <= %(samples)s
ORDER BY code, place
