-- A charger's ratio is DC over AC of the sessions that tell of efficiency, and is missing exactly where none does.
SELECT
    meter_id,
    qualified_count,
    qualified_ac_kwh,
    qualified_dc_kwh,
    efficiency_ratio
FROM daily_charger_sessions
WHERE
    day = getvariable('day')
    AND (
        (qualified_count > 0) <> (efficiency_ratio IS NOT NULL)
        OR abs(efficiency_ratio - qualified_dc_kwh / qualified_ac_kwh) > 1e-6
    )
