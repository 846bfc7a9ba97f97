-- Each vehicle's hours add up to its day, AC and DC alike.
-- Tolerance 1e-6 kWh for the order in which float64 values are added.
WITH hours AS (
    SELECT
        vehicle_id,
        sum(ac_kwh) AS ac_kwh,
        sum(dc_kwh) AS dc_kwh
    FROM hourly_vehicle_efficiency
    WHERE day = getvariable('day')
    GROUP BY vehicle_id
),

days AS (
    SELECT
        vehicle_id,
        ac_kwh,
        dc_kwh
    FROM daily_vehicle_efficiency
    WHERE day = getvariable('day')
)

SELECT
    vehicle_id,
    hours.ac_kwh AS hours_ac_kwh,
    days.ac_kwh AS day_ac_kwh,
    hours.dc_kwh AS hours_dc_kwh,
    days.dc_kwh AS day_dc_kwh
FROM hours
FULL JOIN days USING (vehicle_id)
WHERE
    hours.vehicle_id IS NULL
    OR days.vehicle_id IS NULL
    OR (hours.ac_kwh IS NULL) <> (days.ac_kwh IS NULL)
    OR (hours.dc_kwh IS NULL) <> (days.dc_kwh IS NULL)
    OR abs(hours.ac_kwh - days.ac_kwh) > 1e-6
    OR abs(hours.dc_kwh - days.dc_kwh) > 1e-6
