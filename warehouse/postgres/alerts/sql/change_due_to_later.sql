-- A channel that did not take one message is not asked at once to take the others.
UPDATE alert_deliveries SET next_attempt_at = %(again_at)s
WHERE
    channel = %(channel)s
    AND state = 'waiting'
    AND (next_attempt_at <= %(now)s OR next_attempt_at > %(latest)s)
