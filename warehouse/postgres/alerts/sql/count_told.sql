SELECT count(*) FROM alert_events WHERE outcome = 'told' AND handled_at >= %(midnight)s
