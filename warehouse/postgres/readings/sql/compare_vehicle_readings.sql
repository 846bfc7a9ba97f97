-- Of readings that were not stored: does the row under the same key say the same? Compared as stored.
SELECT
    sent.position,
    stored.kwh = sent.kwh
    AND (stored.soc_percent IS NOT DISTINCT FROM nullif(sent.soc_percent, 'NaN'))
    AND (stored.battery_temp_celsius IS NOT DISTINCT FROM nullif(sent.battery_temp_celsius, 'NaN')) AS is_same
FROM unnest(%(vehicle_ids)s, %(vehicle_ts)s, %(vehicle_kwh)s, %(vehicle_soc)s, %(vehicle_temp)s)
    WITH ORDINALITY AS sent (vehicle_id, ts, kwh, soc_percent, battery_temp_celsius, position)
INNER JOIN vehicle_readings AS stored USING (vehicle_id, ts)
