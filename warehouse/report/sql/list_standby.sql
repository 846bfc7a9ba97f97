-- What each meter counted between charges in the period.
SELECT
    standby.device_id AS meter_id,
    max(meters.external_id) AS meter_external_id,
    max(meters.display_name) AS meter_name,
    sum(standby.idle_kwh) AS idle_kwh,
    sum(standby.idle_hours) AS idle_hours,
    1000 * sum(standby.idle_kwh) / nullif(sum(standby.idle_hours), 0) AS idle_watts
FROM daily_standby AS standby
LEFT JOIN meters ON standby.device_id = meters.meter_id AND meters.day = getvariable('day')
WHERE
    standby.kind = 'meter'
    AND standby.idle_hours > 0
    AND standby.day BETWEEN getvariable('first_day') AND getvariable('day')
GROUP BY standby.device_id
ORDER BY idle_watts DESC, meter_id ASC
