SELECT meter_id, ts, kwh, voltage_volts
FROM {partition}
