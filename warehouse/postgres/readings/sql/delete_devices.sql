DELETE FROM {devices}
WHERE {device_id} = any(%(device_ids)s)
