-- Whether a vehicle charges worse than it did: the last seven days beside the 21 before them. Only days that are rated
-- count; a ratio is of sums, so a day weighs as much as it charged.
WITH days AS (
    SELECT
        day,
        vehicle_id,
        vehicle_external_id,
        shown_ratio,
        ac_kwh,
        dc_kwh,
        day > getvariable('day') - 7 AS is_recent,
        lost_against_target_kwh IS NOT NULL AS is_rated
    FROM daily_vehicle_efficiency
    WHERE day BETWEEN getvariable('day') - 27 AND getvariable('day')
),

sums AS (
    SELECT
        vehicle_id,
        max_by(vehicle_external_id, day) AS vehicle_external_id,
        count(*) FILTER (WHERE is_rated AND is_recent) AS recent_day_count,
        count(*) FILTER (WHERE is_rated AND NOT is_recent) AS earlier_day_count,
        sum(dc_kwh) FILTER (WHERE is_rated AND is_recent)
        / sum(ac_kwh) FILTER (WHERE is_rated AND is_recent) AS recent_ratio,
        sum(dc_kwh) FILTER (WHERE is_rated AND NOT is_recent)
        / sum(ac_kwh) FILTER (WHERE is_rated AND NOT is_recent) AS earlier_ratio,
        min(shown_ratio) FILTER (WHERE is_rated) AS lowest_ratio,
        arg_min(day, shown_ratio ORDER BY day) FILTER (WHERE is_rated) AS lowest_on
    FROM days
    GROUP BY vehicle_id
)

SELECT
    *,
    recent_ratio - earlier_ratio AS change_of_ratio
FROM sums
