SELECT external_id, {device_id}
FROM {devices}
WHERE external_id = any(%(external_ids)s::text[])
