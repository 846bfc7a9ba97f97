SELECT day
FROM partition_ledger
WHERE stream = %(stream)s AND state = 'dropped' AND day >= %(first_day)s AND day <= %(last_day)s
ORDER BY day
