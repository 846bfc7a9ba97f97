-- The fleet's row is the sum of its vehicles: energies, and each vehicle under exactly one status.
-- Tolerance 1e-6 of the energy, for the order in which float64 values of many vehicles are added.
WITH vehicles_of_day AS (
    SELECT
        count(*) AS vehicle_count,
        coalesce(sum(ac_kwh) FILTER (WHERE efficiency_ratio IS NOT NULL), 0) AS ac_kwh,
        coalesce(sum(dc_kwh) FILTER (WHERE efficiency_ratio IS NOT NULL), 0) AS dc_kwh
    FROM daily_vehicle_efficiency
    WHERE day = getvariable('day')
)

SELECT
    fleet.vehicle_count,
    fleet.ac_kwh,
    vehicles_of_day.ac_kwh AS vehicles_ac_kwh,
    fleet.dc_kwh,
    vehicles_of_day.dc_kwh AS vehicles_dc_kwh
FROM daily_fleet_efficiency AS fleet
CROSS JOIN vehicles_of_day
WHERE
    fleet.day = getvariable('day')
    AND (
        fleet.vehicle_count <> vehicles_of_day.vehicle_count
        OR fleet.vehicle_count <> fleet.ok_count + fleet.below_threshold_count + fleet.dc_exceeds_ac_count
        + fleet.low_energy_count + fleet.shared_meter_count + fleet.no_ac_count + fleet.no_readings_count
        OR fleet.counted_vehicle_count
        <> fleet.ok_count + fleet.below_threshold_count + fleet.low_energy_count + fleet.dc_exceeds_ac_count
        OR abs(coalesce(fleet.ac_kwh, 0) - vehicles_of_day.ac_kwh) > 1e-6 * greatest(1, abs(vehicles_of_day.ac_kwh))
        OR abs(coalesce(fleet.dc_kwh, 0) - vehicles_of_day.dc_kwh) > 1e-6 * greatest(1, abs(vehicles_of_day.dc_kwh))
    )
