UPDATE {devices}
SET site = %(site)s, tags = %(tags)s
WHERE external_id = %(external_id)s
