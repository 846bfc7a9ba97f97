-- Events that nobody has looked at. A row comes with its event, in the same transaction: what commits later may have a smaller
-- number, so the highest one that was looked at would say nothing of those below it.
CREATE TABLE untold_events (
    event_id bigint PRIMARY KEY REFERENCES finding_events
);
INSERT INTO untold_events (event_id) SELECT event_id FROM finding_events;

CREATE FUNCTION queue_untold_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO untold_events (event_id) VALUES (NEW.event_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER finding_events_are_told
AFTER INSERT ON finding_events
FOR EACH ROW EXECUTE FUNCTION queue_untold_event();

-- What became of each event that was looked at.
CREATE TABLE alert_events (
    event_id bigint PRIMARY KEY REFERENCES finding_events,
    finding_id uuid NOT NULL,
    -- told: by a message of its own. storm: by the message for many. to_digest: by the next digest; digested: it was in one.
    -- quiet: not at all, and why says why not.
    outcome text NOT NULL CHECK (outcome IN ('told', 'storm', 'to_digest', 'digested', 'quiet')),
    why text,
    handled_at timestamptz NOT NULL
);
CREATE INDEX alert_events_of_findings ON alert_events (finding_id, event_id);
CREATE INDEX alert_events_by_outcome ON alert_events (outcome, handled_at) WHERE outcome IN ('told', 'to_digest');

-- The outbox: a message on a channel.
CREATE TABLE alert_deliveries (
    delivery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text NOT NULL,
    idempotency_key text NOT NULL,
    message jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    gives_up_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'dead')),
    attempts integer NOT NULL DEFAULT 0,
    -- Who takes it moves this on first, so that nobody else takes it, and it is tried again where that one dies.
    next_attempt_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- What the last attempt brought, in words.
    said text,
    UNIQUE (channel, idempotency_key)
);
CREATE INDEX alert_deliveries_waiting ON alert_deliveries (next_attempt_at) WHERE state = 'waiting';
CREATE INDEX alert_deliveries_dead ON alert_deliveries (ended_at) WHERE state = 'dead';

-- The delivery log: each attempt, and what it brought.
CREATE TABLE alert_attempts (
    delivery_id bigint NOT NULL REFERENCES alert_deliveries ON DELETE CASCADE,
    attempt integer NOT NULL,
    ended_at timestamptz NOT NULL,
    said text NOT NULL,
    PRIMARY KEY (delivery_id, attempt)
);
