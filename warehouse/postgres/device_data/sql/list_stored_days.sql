SELECT
    stream,
    day
FROM partition_ledger
WHERE stream = %(stream)s AND state <> 'dropped'
ORDER BY day
