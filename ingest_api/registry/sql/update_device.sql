UPDATE {devices}
SET {assignments}
WHERE external_id = %(external_id)s
