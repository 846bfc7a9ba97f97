INSERT INTO {partition} (meter_id, ts, kwh, voltage_volts)
SELECT meter_id, ts, kwh, nullif(voltage_volts, 'NaN')
FROM unnest(%(meter_id)s, %(ts)s, %(kwh)s, %(voltage_volts)s) AS batch (meter_id, ts, kwh, voltage_volts)
