-- What devices sent since an instant, as their ledger notes it.
SELECT
    'meter' AS kind,
    external_id,
    ts,
    kwh
FROM meter_readings
INNER JOIN meters USING (meter_id)
WHERE ts >= %(since)s
UNION ALL
SELECT
    'vehicle',
    external_id,
    ts,
    kwh
FROM vehicle_readings
INNER JOIN vehicles USING (vehicle_id)
WHERE ts >= %(since)s
