-- The chargers' days have all sessions with AC, and all of their energy.
WITH of_chargers AS (
    SELECT
        coalesce(sum(session_count), 0) AS session_count,
        coalesce(sum(ac_kwh), 0) AS ac_kwh
    FROM daily_charger_sessions
    WHERE day = getvariable('day')
),

of_sessions AS (
    SELECT
        count(*) AS session_count,
        coalesce(sum(ac_kwh), 0) AS ac_kwh
    FROM charging_sessions
    WHERE day = getvariable('day') AND ac_kwh IS NOT NULL
)

SELECT
    of_chargers.session_count,
    of_sessions.session_count AS expected_session_count,
    of_chargers.ac_kwh,
    of_sessions.ac_kwh AS expected_ac_kwh
FROM of_chargers
CROSS JOIN of_sessions
WHERE
    of_chargers.session_count <> of_sessions.session_count
    OR abs(of_chargers.ac_kwh - of_sessions.ac_kwh) > 1e-6 * greatest(of_sessions.session_count, 1)
