-- Written days into which readings may have come since: those that still take readings on time, and the others where more
-- rows came late than when they were last found right. is_settled: from now on every row that comes is counted as late.
SELECT
    ledger.day,
    bool_and(ledger.late_after <= clock_timestamp()) AS is_settled
FROM partition_ledger AS ledger
LEFT JOIN LATERAL (
    SELECT sum(rows.row_count) AS row_count
    FROM late_rows AS rows
    WHERE rows.stream = ledger.stream AND rows.day = ledger.day
) AS late ON TRUE
LEFT JOIN hourly_checks AS checked USING (day)
WHERE EXISTS (
    SELECT FROM hourly_ledger AS written
    WHERE
        written.hour >= ledger.day::timestamp AT TIME ZONE 'UTC'
        AND written.hour < (ledger.day + 1)::timestamp AT TIME ZONE 'UTC'
)
GROUP BY ledger.day, checked.late_row_count
HAVING
    bool_and(ledger.state <> 'dropped')
    AND (
        bool_or(ledger.late_after > clock_timestamp())
        OR checked.late_row_count IS DISTINCT FROM coalesce(sum(late.row_count), 0)
    )
ORDER BY ledger.day
