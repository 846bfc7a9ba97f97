SELECT
    stopped,
    changed_at
FROM pipeline_status
