-- The losses that a person called normal last and did not open again, and from which day on: the newest that was told then.
SELECT
    findings.finding_id::text AS finding_id,
    findings.vehicle_id,
    findings.meter_id,
    (said.details ->> 'day')::date AS accepted_on
FROM findings
CROSS JOIN LATERAL (
    SELECT
        event,
        details
    FROM finding_events
    WHERE
        finding_id = findings.finding_id
        AND actor <> 'pipeline'
        AND event IN ('accepted', 'reopened')
    ORDER BY event_id DESC
    LIMIT 1
) AS said
WHERE findings.rule = 'R1' AND said.event = 'accepted'
