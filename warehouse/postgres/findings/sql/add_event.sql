INSERT INTO finding_events (finding_id, actor, event, note, revision, details)
VALUES (%(finding_id)s, %(actor)s, %(event)s, %(note)s, %(revision)s, %(details)s)
