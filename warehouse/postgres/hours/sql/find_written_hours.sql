SELECT
    min(hour) AS first_hour,
    max(hour) + INTERVAL '1 hour' AS written_until
FROM hourly_ledger
