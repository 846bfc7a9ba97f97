-- The sessions of the pairs of some meters.
SELECT *
FROM loss_samples
WHERE list_contains(getvariable('meter_ids'), meter_id)
ORDER BY vehicle_id, meter_id, ended_at, session_id
