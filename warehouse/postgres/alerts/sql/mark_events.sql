WITH looked_at AS (
    DELETE FROM untold_events
    WHERE event_id = %(event_id)s
)

INSERT INTO alert_events (event_id, finding_id, outcome, why, handled_at)
VALUES (%(event_id)s, %(finding_id)s, %(outcome)s, %(why)s, %(now)s)
