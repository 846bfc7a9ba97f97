SELECT min(day) AS day
FROM partition_ledger
WHERE state = 'dropped' AND day BETWEEN %(first_day)s AND %(last_day)s
