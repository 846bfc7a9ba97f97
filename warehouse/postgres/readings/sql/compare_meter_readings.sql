-- Of readings that were not stored: does the row under the same key say the same? Compared as stored.
SELECT
    sent.position,
    stored.kwh = sent.kwh
    AND (stored.voltage_volts IS NOT DISTINCT FROM nullif(sent.voltage_volts, 'NaN')) AS is_same
FROM unnest(%(meter_ids)s, %(meter_ts)s, %(meter_kwh)s, %(meter_volts)s)
    WITH ORDINALITY AS sent (meter_id, ts, kwh, voltage_volts, position)
INNER JOIN meter_readings AS stored USING (meter_id, ts)
