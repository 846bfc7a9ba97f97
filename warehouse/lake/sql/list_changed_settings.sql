-- The devices of one kind that have other settings in a later export; a device that was registered in between has none.
SELECT changed.external_id
FROM (
    SELECT external_id, {settings} FROM read_parquet({after}, hive_partitioning = false)
    EXCEPT
    SELECT external_id, {settings} FROM read_parquet({before}, hive_partitioning = false)
) AS changed
WHERE
    changed.external_id IN (
        SELECT earlier.external_id FROM read_parquet({before}, hive_partitioning = false) AS earlier
    )
ORDER BY changed.external_id
