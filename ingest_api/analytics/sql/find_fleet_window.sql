-- The whole hours up to the newest one that is written, which of them are not, and how many changes wait to be applied. As
-- long as none of this changes, neither do the sums of the fleet's hours: whoever rewrites an hour notes it here.
WITH newest AS (
    SELECT
        coalesce(max(hour) + INTERVAL '1 hour', date_trunc('hour', clock_timestamp(), 'UTC')) AS window_to,
        max(written_at) AS written_at
    FROM hourly_ledger
)

SELECT
    newest.window_to,
    newest.written_at,
    (SELECT count(*) FROM hourly_requests) AS waiting_requests,
    newest.window_to - make_interval(hours => %(hours)s) AS window_from,
    array(
        SELECT asked.hour
        FROM generate_series(
            newest.window_to - make_interval(hours => %(hours)s),
            newest.window_to - INTERVAL '1 hour',
            INTERVAL '1 hour'
        ) AS asked (hour)
        LEFT JOIN hourly_ledger AS written USING (hour)
        WHERE written.hour IS NULL
        ORDER BY asked.hour
    ) AS missing_hours
FROM newest
