UPDATE partition_ledger
SET state = %(state)s
WHERE stream = %(stream)s AND day = %(day)s
