-- The device's closed hours from there on are to be written again.
INSERT INTO hourly_requests (kind, device_id, since)
VALUES (%(kind)s, %(device_id)s, %(starts_at)s)
