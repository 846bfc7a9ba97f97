-- All that was delivered is some vehicle's or nobody's, and so is all that was metered, whenever mappings change.
-- What forgotten devices had is nobody's too.
-- A shared meter counts for each of its vehicles, so on such a day AC is not compared. Tolerance 1e-6 of the energy, for
-- the order in which float64 values are added.
WITH vehicles_of_day AS (
    SELECT
        coalesce(sum(ac_kwh), 0) AS ac_kwh,
        coalesce(sum(dc_kwh), 0) AS dc_kwh,
        coalesce(bool_or(is_shared), FALSE) AS is_any_shared
    FROM daily_vehicle_efficiency
    WHERE day = getvariable('day')
)

SELECT
    fleet.metered_ac_kwh,
    fleet.unmapped_ac_kwh,
    fleet.forgotten_ac_kwh,
    vehicles_of_day.ac_kwh AS vehicles_ac_kwh,
    fleet.delivered_dc_kwh,
    fleet.unmapped_dc_kwh,
    fleet.forgotten_dc_kwh,
    vehicles_of_day.dc_kwh AS vehicles_dc_kwh
FROM daily_fleet_efficiency AS fleet
CROSS JOIN vehicles_of_day
WHERE
    fleet.day = getvariable('day')
    AND (
        abs(fleet.delivered_dc_kwh - fleet.unmapped_dc_kwh - coalesce(fleet.forgotten_dc_kwh, 0) - vehicles_of_day.dc_kwh)
        > 1e-6 * greatest(1, abs(fleet.delivered_dc_kwh))
        OR (
            NOT vehicles_of_day.is_any_shared
            AND abs(fleet.metered_ac_kwh - fleet.unmapped_ac_kwh - coalesce(fleet.forgotten_ac_kwh, 0) - vehicles_of_day.ac_kwh)
            > 1e-6 * greatest(1, abs(fleet.metered_ac_kwh))
        )
    )
