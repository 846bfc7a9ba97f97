-- From here on nothing tells which device it was but the hash.
WITH days AS (
    DELETE FROM forgetting_days
    WHERE forgetting_id = %(forgetting_id)s
)

UPDATE forgettings
SET done_at = clock_timestamp(), external_id = NULL, device_id = NULL
WHERE forgetting_id = %(forgetting_id)s
