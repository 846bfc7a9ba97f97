-- A pair of vehicle and charger has at most one finding that is suspected or open.
SELECT
    vehicle_id,
    meter_id,
    count(*) AS finding_count
FROM loss_findings
WHERE
    day = getvariable('day')
    AND state IN ('suspected', 'open')
GROUP BY vehicle_id, meter_id
HAVING count(*) > 1
