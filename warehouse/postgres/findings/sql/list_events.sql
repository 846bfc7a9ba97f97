SELECT
    event_id,
    happened_at,
    actor,
    event,
    note,
    revision,
    details
FROM finding_events
WHERE finding_id = %(finding_id)s
ORDER BY event_id
