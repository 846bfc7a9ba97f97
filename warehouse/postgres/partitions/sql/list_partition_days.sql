SELECT day
FROM partition_ledger
WHERE stream = %(stream)s AND day = any(%(days)s) AND state <> 'dropped'
