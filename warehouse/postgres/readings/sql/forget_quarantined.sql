-- What is old goes; and where more than half of the room is taken, the oldest of what is not new, until half is free. What was
-- seen within the last days stays whatever comes in, and conflicts make room for conflicts alone: nobody can flush them out.
WITH kept AS (
    SELECT
        quarantine_id,
        last_seen_at,
        count(*) OVER newest_first AS row_count,
        sum(quarantine_row_bytes(raw)) OVER newest_first AS byte_count
    FROM quarantined_readings
    WINDOW newest_first AS (PARTITION BY code = 'conflict' ORDER BY last_seen_at DESC, quarantine_id DESC)
)

DELETE FROM quarantined_readings AS old
USING kept
WHERE
    old.quarantine_id = kept.quarantine_id
    AND (
        kept.last_seen_at < clock_timestamp() - make_interval(days => %(kept_days)s)
        OR (
            kept.last_seen_at < clock_timestamp() - make_interval(days => %(protected_days)s)
            AND (kept.row_count > %(max_rows)s / 2 OR kept.byte_count > %(max_bytes)s / 2)
        )
    )
