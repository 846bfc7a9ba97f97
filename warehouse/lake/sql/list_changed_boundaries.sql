-- The devices whose last reading before the day is another one in a later version of carried_samples.
SELECT coalesce(meter.external_id, vehicle.external_id) AS external_id
FROM read_parquet({before}, hive_partitioning = false) AS earlier
INNER JOIN read_parquet({after}, hive_partitioning = false) AS later USING (kind, device_id)
LEFT JOIN read_parquet({meters}, hive_partitioning = false) AS meter
    ON kind = 'meter' AND device_id = meter.meter_id
LEFT JOIN read_parquet({vehicles}, hive_partitioning = false) AS vehicle
    ON kind = 'vehicle' AND device_id = vehicle.vehicle_id
WHERE earlier.ts <> later.ts OR earlier.kwh <> later.kwh
ORDER BY external_id
