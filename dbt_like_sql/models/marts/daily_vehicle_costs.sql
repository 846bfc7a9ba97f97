-- What each vehicle's charging cost on the day, and what of that a healthy charger would have saved.
WITH tariff AS (
    -- The price that holds on the day; without one, costs are unknown.
    SELECT
        max_by(price_per_kwh, valid_from) AS price_per_kwh,
        max_by(currency, valid_from) AS currency
    FROM tariffs
    WHERE day = getvariable('day') AND valid_from <= getvariable('day')
)

SELECT
    daily.vehicle_id,
    daily.vehicle_external_id,
    daily.ac_kwh,
    daily.dc_kwh,
    daily.lost_against_target_kwh,
    daily.standby_kwh,
    tariff.price_per_kwh,
    tariff.currency,
    daily.ac_kwh * tariff.price_per_kwh AS ac_cost,
    daily.lost_against_target_kwh * tariff.price_per_kwh AS lost_cost,
    daily.standby_kwh * tariff.price_per_kwh AS standby_cost
FROM daily_vehicle_efficiency AS daily
CROSS JOIN tariff
WHERE daily.day = getvariable('day')
