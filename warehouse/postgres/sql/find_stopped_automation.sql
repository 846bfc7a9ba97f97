-- Asked of Dagster's database: what somebody stopped. What nobody ever touched has no row, and runs.
SELECT instigator_body::jsonb -> 'origin' ->> 'job_name' AS name
FROM instigators
WHERE status = 'STOPPED'
ORDER BY name
