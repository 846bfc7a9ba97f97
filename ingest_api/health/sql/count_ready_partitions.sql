SELECT count(*) AS partitions
FROM partition_ledger
WHERE day = any(%(days)s) AND state <> 'dropped'
