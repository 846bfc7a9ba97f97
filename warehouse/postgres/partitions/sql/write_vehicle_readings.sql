INSERT INTO {partition} (vehicle_id, ts, kwh, soc_percent, battery_temp_celsius)
SELECT vehicle_id, ts, kwh, nullif(soc_percent, 'NaN'), nullif(battery_temp_celsius, 'NaN')
FROM
    unnest(%(vehicle_id)s, %(ts)s, %(kwh)s, %(soc_percent)s, %(battery_temp_celsius)s)
        AS batch (vehicle_id, ts, kwh, soc_percent, battery_temp_celsius)
