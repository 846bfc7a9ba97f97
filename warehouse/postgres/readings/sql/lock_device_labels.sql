-- Held until the transaction ends: nobody changes meanwhile what is compared here.
SELECT external_id, site, tags
FROM {devices}
WHERE external_id = any(%(external_ids)s::text[])
ORDER BY {device_id}
FOR NO KEY UPDATE
