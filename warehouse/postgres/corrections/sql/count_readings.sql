SELECT count(*)
FROM {readings}
WHERE {device_id} = %(device_id)s AND ts >= %(starts_at)s AND ts < %(ends_at)s
