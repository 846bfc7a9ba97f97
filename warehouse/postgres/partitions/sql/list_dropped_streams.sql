SELECT stream
FROM partition_ledger
WHERE day = %(day)s AND state = 'dropped'
ORDER BY stream
