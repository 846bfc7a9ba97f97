-- The doubtful steps of the devices behind a number; of one hour where the number is of one.
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
WHERE
    getvariable('hour')::timestamptz IS NULL
    OR (step.ts >= getvariable('hour')::timestamptz AND step.ts < getvariable('hour')::timestamptz + interval '1 hour')
ORDER BY step.ts, step.kind, known.external_id, step.flag
