-- What a scan of both histories sees: the planner is told by settings whether it may read the heap or the key's index.
CREATE TEMPORARY TABLE {seen} AS
SELECT 'meter' AS kind, meter_id AS device_id, ts, kwh FROM meter_readings
UNION ALL
SELECT 'vehicle', vehicle_id, ts, kwh FROM vehicle_readings
