-- The meters have all the DC of the mapped vehicles, and their AC too on a day on which no meter is shared.
-- A shared meter's AC counts here once, and for each of its vehicles. Tolerance 1e-6 of the energy, for the order in which
-- float64 values are added.
WITH meters_of_day AS (
    SELECT
        coalesce(sum(ac_kwh), 0) AS ac_kwh,
        coalesce(sum(dc_kwh), 0) AS dc_kwh,
        coalesce(bool_or(is_shared), FALSE) AS is_any_shared
    FROM daily_meter_efficiency
    WHERE day = getvariable('day')
),

vehicles_of_day AS (
    SELECT
        coalesce(sum(ac_kwh), 0) AS ac_kwh,
        coalesce(sum(dc_kwh), 0) AS dc_kwh
    FROM daily_vehicle_efficiency
    WHERE day = getvariable('day')
)

SELECT
    meters_of_day.ac_kwh,
    vehicles_of_day.ac_kwh AS vehicles_ac_kwh,
    meters_of_day.dc_kwh,
    vehicles_of_day.dc_kwh AS vehicles_dc_kwh
FROM meters_of_day
CROSS JOIN vehicles_of_day
WHERE
    abs(meters_of_day.dc_kwh - vehicles_of_day.dc_kwh) > 1e-6 * greatest(1, abs(vehicles_of_day.dc_kwh))
    OR (
        NOT meters_of_day.is_any_shared
        AND abs(meters_of_day.ac_kwh - vehicles_of_day.ac_kwh) > 1e-6 * greatest(1, abs(vehicles_of_day.ac_kwh))
    )
