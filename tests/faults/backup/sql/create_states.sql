-- The current states of a history that was not sent: its last minute.
INSERT INTO {latest} ({device_id}, ts, kwh, received_at)
SELECT
    {device_id},
    ts,
    kwh,
    now()
FROM {readings}
WHERE ts = %(last)s
ON CONFLICT ({device_id}) DO UPDATE SET ts = excluded.ts, kwh = excluded.kwh
