-- The days of the ledger, newest first, with what the lake has of each: a row a stream.
WITH page AS (
    SELECT day
    FROM partition_ledger
    WHERE day >= %(since)s::date AND day < least(%(until)s::date, %(before)s::date)
    GROUP BY day
    ORDER BY day DESC
    LIMIT %(limit)s
)

SELECT
    ledger.day,
    ledger.stream,
    ledger.state,
    ledger.seal_after,
    ledger.version,
    ledger.row_count,
    ledger.device_count,
    ledger.first_ts,
    ledger.last_ts,
    coalesce(ledger.late_row_count, 0) AS exported_late_row_count,
    coalesce((
        SELECT sum(late.row_count)
        FROM late_rows AS late
        WHERE late.stream = ledger.stream AND late.day = ledger.day
    ), 0)::bigint AS late_row_count,
    build.requested > build.built AS is_waiting,
    newest.release,
    newest.released_at,
    restated.summary AS restatement
FROM page
INNER JOIN partition_ledger AS ledger USING (day)
LEFT JOIN day_builds AS build USING (day)
LEFT JOIN LATERAL (
    SELECT release, released_at
    FROM lake_releases AS released
    WHERE released.day = page.day
    ORDER BY release DESC
    LIMIT 1
) AS newest ON TRUE
LEFT JOIN LATERAL (
    SELECT summary
    FROM lake_restatements AS noted
    WHERE noted.day = page.day
    ORDER BY release DESC
    LIMIT 1
) AS restated ON TRUE
ORDER BY ledger.day DESC, ledger.stream ASC
