-- The devices of which other readings are left out or replaced in a later version of corrected_readings.
SELECT DISTINCT coalesce(meter.external_id, vehicle.external_id) AS external_id
FROM read_parquet({before}, hive_partitioning = false) AS earlier
FULL JOIN read_parquet({after}, hive_partitioning = false) AS later USING (kind, device_id, ts)
LEFT JOIN read_parquet({meters}, hive_partitioning = false) AS meter
    ON kind = 'meter' AND device_id = meter.meter_id
LEFT JOIN read_parquet({vehicles}, hive_partitioning = false) AS vehicle
    ON kind = 'vehicle' AND device_id = vehicle.vehicle_id
WHERE earlier.correction_id IS DISTINCT FROM later.correction_id OR earlier.kwh IS DISTINCT FROM later.kwh
ORDER BY external_id
