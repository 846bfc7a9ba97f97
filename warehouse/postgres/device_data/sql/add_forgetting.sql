INSERT INTO forgettings (subject_hash, kind, external_id, device_id, before_day)
VALUES (%(subject_hash)s, %(kind)s, %(external_id)s, %(device_id)s, %(before_day)s)
RETURNING forgetting_id
