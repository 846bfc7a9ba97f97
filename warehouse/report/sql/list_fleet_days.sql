-- The days of the period: what was metered, what reached the batteries, what belongs to nobody, and the price.
WITH prices AS (
    -- As the day was built with it, whether a vehicle charged or not.
    SELECT
        day,
        max_by(price_per_kwh, valid_from) AS price_per_kwh,
        max_by(currency, valid_from) AS currency
    FROM tariffs
    WHERE valid_from <= day
    GROUP BY day
),

standby AS (
    SELECT
        day,
        sum(idle_kwh) AS idle_kwh
    FROM daily_standby
    WHERE kind = 'meter'
    GROUP BY day
)

SELECT
    fleet.day,
    fleet.metered_ac_kwh,
    fleet.delivered_dc_kwh,
    fleet.unmapped_ac_kwh,
    fleet.unmapped_dc_kwh,
    fleet.vehicle_count,
    standby.idle_kwh,
    prices.price_per_kwh,
    prices.currency
FROM daily_fleet_efficiency AS fleet
LEFT JOIN prices ON fleet.day = prices.day
LEFT JOIN standby ON fleet.day = standby.day
WHERE fleet.day BETWEEN getvariable('first_day') AND getvariable('day')
ORDER BY fleet.day
