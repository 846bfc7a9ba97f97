-- The losses of the week are those of its days, over all vehicles.
-- Tolerance 1e-6 of the energy, for the order in which float64 values are added.
WITH days AS (
    SELECT
        coalesce(sum(lost_against_target_kwh), 0) AS lost_against_target_kwh,
        coalesce(sum(standby_kwh), 0) AS standby_kwh
    FROM daily_vehicle_efficiency
    WHERE day BETWEEN getvariable('day') - 6 AND getvariable('day')
),

week AS (
    SELECT
        coalesce(sum(lost_against_target_kwh), 0) AS lost_against_target_kwh,
        coalesce(sum(standby_kwh), 0) AS standby_kwh
    FROM weekly_vehicle_losses
    WHERE day = getvariable('day')
)

SELECT
    week.lost_against_target_kwh,
    days.lost_against_target_kwh AS days_lost_against_target_kwh,
    week.standby_kwh,
    days.standby_kwh AS days_standby_kwh
FROM week
CROSS JOIN days
WHERE
    abs(week.lost_against_target_kwh - days.lost_against_target_kwh) > 1e-6 * greatest(1, days.lost_against_target_kwh)
    OR abs(week.standby_kwh - days.standby_kwh) > 1e-6 * greatest(1, abs(days.standby_kwh))
