-- What the lake has of the day is something else now: it is exported again.
UPDATE partition_ledger
SET state = 'sealed'
WHERE stream = %(stream)s AND day = %(day)s AND state = 'exported'
