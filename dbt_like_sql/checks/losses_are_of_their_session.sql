-- Each session that tells of losses is a sample and no other is, with the energy of the session and the loss that follows.
SELECT
    coalesce(sample.session_id, session.session_id) AS session_id,
    session.ac_kwh AS session_ac_kwh,
    session.dc_kwh AS session_dc_kwh,
    sample.ac_kwh,
    sample.dc_kwh,
    sample.loss_ratio
FROM (
    SELECT
        session_id,
        ac_kwh,
        dc_kwh
    FROM charging_sessions
    WHERE
        day = getvariable('day')
        AND kind = 'charge'
        AND is_qualified
        AND vehicle_id IS NOT NULL
        AND meter_id IS NOT NULL
        AND dc_kwh > 0
) AS session
FULL OUTER JOIN (
    SELECT
        session_id,
        ac_kwh,
        dc_kwh,
        loss_ratio
    FROM loss_samples
    WHERE day = getvariable('day')
) AS sample ON session.session_id = sample.session_id
WHERE
    session.session_id IS NULL
    OR sample.session_id IS NULL
    OR sample.ac_kwh <> session.ac_kwh
    OR sample.dc_kwh <> session.dc_kwh
    OR abs(sample.loss_ratio - (sample.ac_kwh / sample.dc_kwh - 1)) > 1e-6
