INSERT INTO hourly_ledger (hour, written_at)
VALUES (%(hour)s, clock_timestamp())
