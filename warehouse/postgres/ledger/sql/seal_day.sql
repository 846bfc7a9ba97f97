-- The database's clock decides. A partition that is sealed or further on stays as it is.
UPDATE partition_ledger
SET state = 'sealed', sealed_at = clock_timestamp()
WHERE day = %(day)s AND state = 'open' AND seal_after <= clock_timestamp()
RETURNING stream
