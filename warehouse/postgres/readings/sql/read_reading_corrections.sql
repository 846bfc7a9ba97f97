-- What was ever said of readings of the day.
SELECT
    correction_id,
    kind::text AS kind,
    device_id,
    starts_at,
    ends_at,
    action,
    kwh,
    why,
    who,
    made_at
FROM reading_corrections
WHERE
    starts_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    AND ends_at > %(day)s::date::timestamp AT TIME ZONE 'UTC'
