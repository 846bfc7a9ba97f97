DELETE FROM charging_sessions
WHERE day <= %(day)s
