SELECT
    stream,
    day,
    state,
    row_count,
    energy_mwh,
    first_ts,
    last_ts,
    device_count,
    coalesce(late_row_count, 0) AS late_row_count
FROM partition_ledger
