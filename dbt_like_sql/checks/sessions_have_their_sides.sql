-- A charge has both sides and a ratio, one side alone has none, and no session ends before it begins.
SELECT
    session_id,
    kind,
    ac_kwh,
    dc_kwh,
    efficiency_ratio,
    started_at,
    ended_at
FROM charging_sessions
WHERE
    day = getvariable('day')
    AND (
        ended_at < started_at
        OR (kind IN ('charge', 'implausible')) <> (efficiency_ratio IS NOT NULL)
        OR (kind = 'ac_only' AND dc_kwh IS NOT NULL)
        OR (kind = 'dc_only' AND ac_kwh IS NOT NULL)
        OR (ac_kwh IS NULL AND dc_kwh IS NULL)
    )
