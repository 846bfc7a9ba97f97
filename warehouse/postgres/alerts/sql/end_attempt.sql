-- What an attempt brought. Where the lease ran out and somebody else took it meanwhile, it is for that one to say what is next.
WITH logged AS (
    INSERT INTO alert_attempts (delivery_id, attempt, ended_at, said)
    VALUES (%(delivery_id)s, %(attempts)s, %(now)s, %(said)s)
)

UPDATE alert_deliveries SET
    state = %(state)s,
    next_attempt_at = %(next_attempt_at)s,
    ended_at = %(ended_at)s,
    said = %(said)s
WHERE delivery_id = %(delivery_id)s AND attempts = %(attempts)s AND state = 'waiting'
