-- And those that were of another day until now.
DELETE FROM charging_sessions
WHERE day = %(day)s OR session_id = any(%(session_ids)s::text[])
