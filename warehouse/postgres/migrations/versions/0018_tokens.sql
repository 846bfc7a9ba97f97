-- Machines' tokens. Of a secret only its SHA-256 is here: it has 256 random bits, so that nobody can try them all.
CREATE SEQUENCE token_changes AS bigint;
CREATE TABLE tokens (
    token_id text PRIMARY KEY CHECK (token_id ~ '^[A-Za-z0-9]{8}$'),
    secret_sha256 bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['ingest', 'read', 'operate', 'admin']),
    -- Ids, and beginnings of ids with a * behind them; null: every device.
    devices text[] CHECK (cardinality(devices) > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    -- To the hour.
    last_used_at timestamptz,
    revoked_at timestamptz,
    -- In the order of the commits, so that who knows one number can ask for all that came later.
    change_number bigint NOT NULL UNIQUE
);

-- Whoever changes a token, by hand too: one at a time, under a number of its own, and all who listen are told.
CREATE FUNCTION begin_token_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7161396, 1);
    RETURN NULL;
END
$$;
CREATE FUNCTION number_token_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.change_number = nextval('token_changes');
    RETURN NEW;
END
$$;
CREATE FUNCTION tell_token_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY fleetwatt_tokens;
    RETURN NULL;
END
$$;
CREATE FUNCTION refuse_to_remove_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a token is revoked, not removed: who knows it would never hear of it';
END
$$;
CREATE TRIGGER token_changes_come_one_by_one
BEFORE INSERT OR UPDATE OF token_id, secret_sha256, scopes, devices, expires_at, revoked_at ON tokens
FOR EACH STATEMENT EXECUTE FUNCTION begin_token_change();
CREATE TRIGGER token_changes_are_numbered
BEFORE INSERT OR UPDATE OF token_id, secret_sha256, scopes, devices, expires_at, revoked_at ON tokens
FOR EACH ROW EXECUTE FUNCTION number_token_change();
CREATE TRIGGER token_changes_are_told
AFTER INSERT OR UPDATE OF token_id, secret_sha256, scopes, devices, expires_at, revoked_at ON tokens
FOR EACH STATEMENT EXECUTE FUNCTION tell_token_change();
CREATE TRIGGER tokens_stay
BEFORE DELETE OR TRUNCATE ON tokens
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_remove_tokens();
