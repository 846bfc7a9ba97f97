-- The devices whose readings or energy of the day are others in a later version of hourly_energy, those with the most new
-- readings first. A sum of float64 differs by its order: {noise} is the share that does not count.
WITH earlier AS (
    SELECT
        kind,
        device_id,
        sum(reading_count)::BIGINT AS reading_count,
        sum(energy_kwh) AS energy_kwh
    FROM read_parquet({before}, hive_partitioning = false)
    GROUP BY kind, device_id
),

later AS (
    SELECT
        kind,
        device_id,
        sum(reading_count)::BIGINT AS reading_count,
        sum(energy_kwh) AS energy_kwh
    FROM read_parquet({after}, hive_partitioning = false)
    GROUP BY kind, device_id
),

names AS (
    SELECT
        'meter' AS kind,
        meter_id AS device_id,
        external_id
    FROM read_parquet({meters}, hive_partitioning = false)
    UNION ALL
    SELECT
        'vehicle' AS kind,
        vehicle_id AS device_id,
        external_id
    FROM read_parquet({vehicles}, hive_partitioning = false)
)

SELECT
    coalesce(names.external_id, concat(kind, ' ', device_id)) AS external_id,
    coalesce(later.reading_count, 0) - coalesce(earlier.reading_count, 0) AS added_reading_count
FROM earlier
FULL JOIN later USING (kind, device_id)
LEFT JOIN names USING (kind, device_id)
WHERE
    earlier.reading_count IS DISTINCT FROM later.reading_count
    OR abs(earlier.energy_kwh - later.energy_kwh) > {noise} * greatest(abs(earlier.energy_kwh), abs(later.energy_kwh))
ORDER BY added_reading_count DESC, external_id ASC
