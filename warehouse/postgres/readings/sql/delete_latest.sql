DELETE FROM {latest}
WHERE {device_id} = any(%(device_ids)s)
