SELECT device_id
FROM unnest(%(device_ids)s::integer[]) AS asked (device_id)
WHERE EXISTS (SELECT FROM {readings} WHERE {device_id} = asked.device_id)
