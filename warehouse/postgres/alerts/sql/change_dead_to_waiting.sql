UPDATE alert_deliveries SET
    state = 'waiting',
    gives_up_at = %(gives_up_at)s,
    next_attempt_at = %(now)s,
    ended_at = NULL
WHERE state = 'dead'
