-- The doubtful steps of the devices behind a number.
SELECT DISTINCT
    step.kind,
    known.external_id,
    step.flag,
    step.before_ts,
    step.before_kwh,
    step.ts,
    step.kwh,
    step.energy_kwh
FROM flagged_steps AS step
INNER JOIN traced_devices AS device
    ON
        step.kind = device.kind
        AND step.device_id = device.device_id
        AND step.ts >= device.valid_from
        AND step.ts < device.valid_to
INNER JOIN devices AS known
    ON step.kind = known.kind AND step.device_id = known.device_id
ORDER BY step.ts, step.kind, known.external_id, step.flag
