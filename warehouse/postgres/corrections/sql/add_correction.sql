INSERT INTO reading_corrections (kind, device_id, starts_at, ends_at, action, kwh, why, who)
VALUES (%(kind)s, %(device_id)s, %(starts_at)s, %(ends_at)s, %(action)s, %(kwh)s, %(why)s, %(who)s)
RETURNING correction_id
