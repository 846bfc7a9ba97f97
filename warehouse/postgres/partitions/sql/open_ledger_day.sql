INSERT INTO partition_ledger (stream, day, late_after, seal_after)
VALUES (%(stream)s, %(day)s, %(late_after)s, %(seal_after)s)
ON CONFLICT (stream, day) DO NOTHING
