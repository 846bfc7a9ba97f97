-- Each change, by whom. Written in the transaction of the change.
CREATE TABLE audit_log (
    entry_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    happened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_kind text NOT NULL CHECK (actor_kind IN ('token', 'user', 'command line', 'anonymous', 'pipeline')),
    -- As it was called then.
    actor_name text,
    token_id text,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject text NOT NULL,
    -- Null where there was nothing, and where there is nothing any more.
    before jsonb,
    after jsonb,
    request_id text,
    -- The client's, or the name of the machine whose command line it was.
    address text,
    CHECK ((actor_kind IN ('token', 'user', 'command line')) = (actor_name IS NOT NULL))
);
CREATE INDEX audit_log_by_subject ON audit_log (subject, entry_id);
CREATE INDEX audit_log_by_instant ON audit_log (happened_at);

-- It only grows, whoever it is: where one role does everything, it has the rights to do more. Whoever forgets a device puts a
-- stand-in for its id, and can do nothing else.
CREATE FUNCTION refuse_to_rewrite_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('fleetwatt.forgetting', TRUE) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'audit_log only grows: what was done is neither changed nor deleted';
END
$$;
CREATE FUNCTION refuse_to_rewrite_acts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF
        (NEW.entry_id, NEW.happened_at, NEW.actor_kind, NEW.token_id, NEW.action, NEW.subject_kind, NEW.address)
        IS DISTINCT FROM
        (OLD.entry_id, OLD.happened_at, OLD.actor_kind, OLD.token_id, OLD.action, OLD.subject_kind, OLD.address)
    THEN
        RAISE EXCEPTION 'audit_log only grows: of an entry nothing but the id of a forgotten device is changed';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_log_only_grows
BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_audit_log();
CREATE TRIGGER audit_log_keeps_acts
BEFORE UPDATE ON audit_log
FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_acts();
