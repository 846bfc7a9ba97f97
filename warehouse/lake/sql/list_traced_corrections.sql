-- The readings of the devices behind a number that people corrected; of one hour where the number is of one.
SELECT DISTINCT
    corrected.kind,
    known.external_id,
    corrected.ts,
    corrected.received_kwh,
    corrected.kwh,
    corrected.correction_id,
    said.who,
    said.why
FROM corrected_readings AS corrected
INNER JOIN traced_devices AS device
    ON
        corrected.kind = device.kind
        AND corrected.device_id = device.device_id
        AND corrected.ts >= device.valid_from
        AND corrected.ts < device.valid_to
INNER JOIN devices AS known
    ON corrected.kind = known.kind AND corrected.device_id = known.device_id
INNER JOIN reading_corrections AS said
    ON corrected.correction_id = said.correction_id
WHERE
    getvariable('hour')::timestamptz IS NULL
    OR (
        corrected.ts >= getvariable('hour')::timestamptz
        AND corrected.ts < getvariable('hour')::timestamptz + interval '1 hour'
    )
ORDER BY corrected.ts, corrected.kind, known.external_id
