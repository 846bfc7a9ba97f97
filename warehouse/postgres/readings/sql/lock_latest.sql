-- Whoever stores a reading of these devices waits, and then finds them as they are.
SELECT {device_id}
FROM {latest}
WHERE {device_id} = any(%(device_ids)s)
ORDER BY {device_id}
FOR UPDATE
