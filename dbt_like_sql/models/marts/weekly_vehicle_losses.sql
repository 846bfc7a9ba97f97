-- What each vehicle's charging lost over the seven days that end here. Only days that are rated count: on the others it
-- only stood by, or has no ratio, or the day's edges say more than its charger.
WITH week AS (
    SELECT
        day,
        vehicle_id,
        vehicle_external_id,
        ac_kwh,
        dc_kwh,
        status,
        standby_kwh,
        lost_against_threshold_kwh,
        lost_against_target_kwh,
        lost_against_target_kwh IS NOT NULL AS is_rated
    FROM daily_vehicle_efficiency
    WHERE day BETWEEN getvariable('day') - 6 AND getvariable('day')
)

SELECT
    vehicle_id,
    max_by(vehicle_external_id, day) AS vehicle_external_id,
    count(*) AS mapped_day_count,
    count(*) FILTER (WHERE is_rated) AS rated_day_count,
    count(*) FILTER (WHERE is_rated AND status = 'below_threshold') AS low_day_count,
    sum(ac_kwh) FILTER (WHERE is_rated) AS ac_kwh,
    sum(dc_kwh) FILTER (WHERE is_rated) AS dc_kwh,
    sum(dc_kwh) FILTER (WHERE is_rated) / sum(ac_kwh) FILTER (WHERE is_rated) AS efficiency_ratio,
    sum(ac_kwh - dc_kwh) FILTER (WHERE is_rated) AS lost_kwh,
    coalesce(sum(lost_against_threshold_kwh), 0) AS lost_against_threshold_kwh,
    coalesce(sum(lost_against_target_kwh), 0) AS lost_against_target_kwh,
    coalesce(sum(standby_kwh), 0) AS standby_kwh
FROM week
GROUP BY vehicle_id
