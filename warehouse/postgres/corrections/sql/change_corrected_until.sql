UPDATE {devices}
SET corrected_until = greatest(corrected_until, %(ends_at)s)
WHERE {device_id} = %(device_id)s
