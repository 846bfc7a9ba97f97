SELECT
    stream,
    state
FROM partition_ledger
WHERE day = %(day)s
ORDER BY stream
