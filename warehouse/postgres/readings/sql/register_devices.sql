INSERT INTO {devices} (external_id)
SELECT unnest(%(external_ids)s::text[])
ORDER BY 1
ON CONFLICT (external_id) DO NOTHING
RETURNING external_id, {device_id}
