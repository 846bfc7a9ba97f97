-- Devices whose current state is not the newest reading of their history, in whatever field.
WITH meters_newest AS (
    SELECT DISTINCT ON (meter_id) meter_id, ts, kwh, voltage_volts
    FROM meter_readings
    ORDER BY meter_id ASC, ts DESC
),

vehicles_newest AS (
    SELECT DISTINCT ON (vehicle_id) vehicle_id, ts, kwh, soc_percent, battery_temp_celsius
    FROM vehicle_readings
    ORDER BY vehicle_id ASC, ts DESC
)

SELECT
    (
        SELECT count(*)
        FROM meters_newest AS newest
        FULL JOIN meter_latest AS latest USING (meter_id)
        WHERE (newest.ts, newest.kwh, newest.voltage_volts)
            IS DISTINCT FROM (latest.ts, latest.kwh, latest.voltage_volts)
    ) + (
        SELECT count(*)
        FROM vehicles_newest AS newest
        FULL JOIN vehicle_latest AS latest USING (vehicle_id)
        WHERE (newest.ts, newest.kwh, newest.soc_percent, newest.battery_temp_celsius)
            IS DISTINCT FROM (latest.ts, latest.kwh, latest.soc_percent, latest.battery_temp_celsius)
    ) AS wrong
