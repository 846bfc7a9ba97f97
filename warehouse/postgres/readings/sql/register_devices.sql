INSERT INTO {devices} (external_id, registered_by)
SELECT
    external_id,
    registered_by
FROM unnest(%(external_ids)s::text[], %(registered_by)s::text[]) AS device (external_id, registered_by)
ORDER BY 1
ON CONFLICT (external_id) DO NOTHING
RETURNING external_id, {device_id}
