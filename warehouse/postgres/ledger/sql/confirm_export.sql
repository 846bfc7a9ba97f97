UPDATE partition_ledger
SET
    state = 'exported',
    exported_at = clock_timestamp(),
    version = version + 1,
    row_count = %(row_count)s,
    energy_mwh = %(energy_mwh)s,
    first_ts = %(first_ts)s,
    last_ts = %(last_ts)s,
    device_count = %(device_count)s,
    late_row_count = %(late_row_count)s
WHERE stream = %(stream)s AND day = %(day)s
RETURNING version
