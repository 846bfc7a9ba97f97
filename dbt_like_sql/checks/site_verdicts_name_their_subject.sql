-- A charger has its meter, a vehicle itself, a pair both and the charges that would decide; a site and what is unclear have none.
SELECT
    site_meter_id,
    place,
    subject,
    vehicle_id,
    meter_id,
    deciding_charge,
    onset_from,
    onset_at
FROM site_verdicts
WHERE
    day = getvariable('day')
    AND (
        (subject IN ('vehicle', 'pair')) <> (vehicle_id IS NOT NULL)
        OR (subject IN ('charger', 'pair')) <> (meter_id IS NOT NULL)
        OR (subject = 'pair') <> (deciding_charge IS NOT NULL)
        OR onset_at < onset_from
    )
