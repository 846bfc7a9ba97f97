-- The bins hold each vehicle that has a ratio once, and those below 0.85 are the ones reported as below it or as idle.
WITH bins AS (
    SELECT
        sum(vehicle_count) AS vehicle_count,
        sum(vehicle_count) FILTER (WHERE bin < 17) AS below_count
    FROM efficiency_distribution
    WHERE day = getvariable('day')
),

vehicles_of_day AS (
    SELECT
        count(efficiency_ratio) AS vehicle_count,
        count(*) FILTER (
            WHERE status = 'below_threshold' OR (status = 'low_energy' AND shown_ratio < 0.85)
        ) AS below_count
    FROM daily_vehicle_efficiency
    WHERE day = getvariable('day')
)

SELECT
    bins.vehicle_count AS binned_count,
    vehicles_of_day.vehicle_count,
    bins.below_count AS binned_below_count,
    vehicles_of_day.below_count
FROM bins
CROSS JOIN vehicles_of_day
WHERE bins.vehicle_count <> vehicles_of_day.vehicle_count OR bins.below_count <> vehicles_of_day.below_count
