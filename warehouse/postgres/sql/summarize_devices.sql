SELECT
    'meter' AS kind,
    count(*) AS devices,
    count(latest.ts) AS reporting,
    count(*) FILTER (WHERE latest.ts < now() - INTERVAL '15 minutes') AS silent,
    count(*) FILTER (WHERE latest.ts < now() - INTERVAL '1 day') AS offline,
    max(latest.ts) AS newest_ts
FROM meters
LEFT JOIN meter_latest AS latest USING (meter_id)
UNION ALL
SELECT
    'vehicle',
    count(*),
    count(latest.ts),
    count(*) FILTER (WHERE latest.ts < now() - INTERVAL '15 minutes'),
    count(*) FILTER (WHERE latest.ts < now() - INTERVAL '1 day'),
    max(latest.ts)
FROM vehicles
LEFT JOIN vehicle_latest AS latest USING (vehicle_id)
