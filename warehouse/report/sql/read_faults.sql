-- Faults of the data and whose sessions they explain, by day.
SELECT
    rule,
    subject,
    opened_on,
    meter_id,
    vehicle_id,
    onset_at,
    last_seen_at,
    observed,
    day
FROM data_faults
ORDER BY day
