-- The newest of what is kept of these codes; places are given without the bytes, which are read of those alone that are told.
WITH placed AS (
    SELECT
        quarantine_id,
        row_number() OVER (PARTITION BY code ORDER BY last_seen_at DESC, quarantine_id DESC) AS place
    FROM quarantined_readings
    WHERE code = any(%(codes)s::text[])
)

SELECT
    item.code,
    item.last_seen_at,
    item.first_seen_at,
    item.times_seen,
    item.source,
    item.request_id,
    item.pointer,
    item.detail,
    item.size_bytes,
    substring(item.raw FROM 1 FOR %(shown_bytes)s) AS shown
FROM placed
INNER JOIN quarantined_readings AS item USING (quarantine_id)
WHERE placed.place <= %(samples)s
ORDER BY item.code, placed.place
