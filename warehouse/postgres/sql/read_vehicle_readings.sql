SELECT vehicle_id, ts, kwh, soc_percent, battery_temp_celsius
FROM {partition}
