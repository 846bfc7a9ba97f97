UPDATE forgetting_days
SET made_at = clock_timestamp()
WHERE forgetting_id = %(forgetting_id)s AND day = %(day)s
