-- The same figures as warehouse/postgres/sql/sum_pages.sql, of the file. HUGEINT: a sum of BIGINT overflows silently.
SELECT
    count(*) AS row_count,
    coalesce(sum(floor(kwh * 1e6 + 0.5)::HUGEINT), 0)::HUGEINT AS energy_mwh,
    min(ts) AS first_ts,
    max(ts) AS last_ts,
    count(DISTINCT {device_id})::INTEGER AS device_count
FROM read_parquet({path}, hive_partitioning = false)
