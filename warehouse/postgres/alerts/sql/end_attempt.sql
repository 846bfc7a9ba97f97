-- What an attempt brought. Where the lease ran out and somebody else took it meanwhile, it is for that one to say.
UPDATE alert_deliveries SET
    state = %(state)s,
    next_attempt_at = %(next_attempt_at)s,
    ended_at = %(ended_at)s,
    said = %(said)s
WHERE delivery_id = %(delivery_id)s AND attempts = %(attempts)s AND state = 'waiting'
