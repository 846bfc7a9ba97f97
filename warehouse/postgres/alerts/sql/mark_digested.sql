UPDATE alert_events SET outcome = 'digested' WHERE event_id = ANY(%(event_ids)s)
