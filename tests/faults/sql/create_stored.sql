-- Both histories as a ledger notes readings, so that they can be compared.
CREATE TEMPORARY TABLE stored AS
SELECT 'meter' AS kind, external_id, ts, kwh
FROM meter_readings
INNER JOIN meters USING (meter_id)
UNION ALL
SELECT 'vehicle', external_id, ts, kwh
FROM vehicle_readings
INNER JOIN vehicles USING (vehicle_id)
