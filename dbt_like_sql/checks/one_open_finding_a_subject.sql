-- A rule has at most one finding of a subject that is suspected or open.
SELECT
    rule,
    subject_kind,
    CASE WHEN subject_kind <> 'meter' THEN vehicle_id END AS vehicle_id,
    CASE WHEN subject_kind <> 'vehicle' THEN meter_id END AS meter_id,
    count(*) AS finding_count
FROM findings
WHERE
    day = getvariable('day')
    AND state IN ('suspected', 'open')
GROUP BY ALL
HAVING count(*) > 1
