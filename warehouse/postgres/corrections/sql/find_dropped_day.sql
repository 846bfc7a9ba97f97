SELECT day
FROM partition_ledger
WHERE stream = %(stream)s AND state = 'dropped' AND day BETWEEN %(first_day)s AND %(last_day)s
ORDER BY day
LIMIT 1
