-- The vehicles whose mappings hold otherwise within the day in a later export.
WITH earlier AS (
    SELECT
        vehicle_id,
        meter_id,
        greatest(valid_from, {starts_at}) AS valid_from,
        least(coalesce(valid_to, {ends_at}), {ends_at}) AS valid_to
    FROM read_parquet({before}, hive_partitioning = false)
    WHERE valid_from < {ends_at} AND coalesce(valid_to, {ends_at}) > {starts_at}
),

later AS (
    SELECT
        vehicle_id,
        meter_id,
        greatest(valid_from, {starts_at}) AS valid_from,
        least(coalesce(valid_to, {ends_at}), {ends_at}) AS valid_to
    FROM read_parquet({after}, hive_partitioning = false)
    WHERE valid_from < {ends_at} AND coalesce(valid_to, {ends_at}) > {starts_at}
),

changed AS (
    (
        SELECT vehicle_id, meter_id, valid_from, valid_to FROM earlier
        EXCEPT
        SELECT vehicle_id, meter_id, valid_from, valid_to FROM later
    )
    UNION ALL
    (
        SELECT vehicle_id, meter_id, valid_from, valid_to FROM later
        EXCEPT
        SELECT vehicle_id, meter_id, valid_from, valid_to FROM earlier
    )
)

SELECT DISTINCT vehicle.external_id
FROM changed
INNER JOIN read_parquet({vehicles}, hive_partitioning = false) AS vehicle USING (vehicle_id)
ORDER BY vehicle.external_id
