SELECT
    ledger.stream,
    ledger.day,
    ledger.state,
    ledger.seal_after,
    ledger.version,
    ledger.row_count,
    ledger.energy_mwh,
    ledger.first_ts,
    ledger.last_ts,
    ledger.device_count,
    coalesce(ledger.late_row_count, 0) AS exported_late_row_count,
    coalesce((
        SELECT sum(late.row_count)
        FROM late_rows AS late
        WHERE late.stream = ledger.stream AND late.day = ledger.day
    ), 0)::bigint AS late_row_count
FROM partition_ledger AS ledger
WHERE ledger.stream = %(stream)s AND ledger.day = %(day)s
