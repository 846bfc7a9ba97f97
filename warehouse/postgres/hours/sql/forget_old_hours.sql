WITH oldest AS MATERIALIZED (
    SELECT date_trunc('day', clock_timestamp(), 'UTC') - %(kept)s AS kept_from
),

old_checks AS (
    DELETE FROM hourly_checks WHERE day < (SELECT (kept_from AT TIME ZONE 'UTC')::date FROM oldest)
),

old_hours AS (
    DELETE FROM hourly_ledger WHERE hour < (SELECT kept_from FROM oldest)
)

DELETE FROM device_hourly
WHERE starts_at < (SELECT kept_from FROM oldest)
