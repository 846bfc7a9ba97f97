SELECT stopped
FROM pipeline_status
WHERE cardinality(stopped) > 0
