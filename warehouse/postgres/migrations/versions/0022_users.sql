-- People who sign in. Of a password argon2id's hash is here.
CREATE TABLE users (
    user_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$'),
    role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    password_hash text NOT NULL CHECK (starts_with(password_hash, '$argon2id$')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    signed_in_at timestamptz,
    disabled_at timestamptz
);
CREATE UNIQUE INDEX users_by_name ON users (lower(name COLLATE "C"));

-- Of a session's id only its SHA-256 is here: it has 256 random bits.
CREATE TABLE user_sessions (
    session_sha256 bytea PRIMARY KEY CHECK (octet_length(session_sha256) = 32),
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- To the minute.
    last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX user_sessions_of_users ON user_sessions (user_id, created_at);

-- Whoever changes what a user may or who the user is, by hand too, ends the user's sessions.
CREATE FUNCTION end_sessions_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM user_sessions WHERE user_id = NEW.user_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER changed_users_sign_in_again
AFTER UPDATE OF name, role, password_hash, disabled_at ON users
FOR EACH ROW EXECUTE FUNCTION end_sessions_of_user();

-- Attempts to sign in that came to nothing, by account and by address. Of either a hash: people type passwords as names.
CREATE TABLE failed_sign_ins (
    kind text NOT NULL CHECK (kind IN ('account', 'address')),
    subject_sha256 bytea NOT NULL CHECK (octet_length(subject_sha256) = 32),
    failures integer NOT NULL CHECK (failures >= 0),
    last_failed_at timestamptz NOT NULL,
    waits_until timestamptz NOT NULL,
    PRIMARY KEY (kind, subject_sha256)
);
