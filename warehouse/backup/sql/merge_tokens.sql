-- A token is never removed: what is known of one later holds.
INSERT INTO tokens
SELECT * FROM jsonb_populate_recordset(NULL::tokens, %(tokens)s)
ON CONFLICT (token_id) DO UPDATE
    SET
        name = excluded.name,
        scopes = excluded.scopes,
        devices = excluded.devices,
        expires_at = excluded.expires_at,
        last_used_at = excluded.last_used_at,
        revoked_at = excluded.revoked_at
