-- What the file of a day holds that PostgreSQL no longer has.
UPDATE partition_ledger
SET
    row_count = %(row_count)s,
    energy_mwh = %(energy_mwh)s,
    first_ts = %(first_ts)s,
    last_ts = %(last_ts)s,
    device_count = %(device_count)s
WHERE stream = %(stream)s AND day = %(day)s AND state = 'dropped'
