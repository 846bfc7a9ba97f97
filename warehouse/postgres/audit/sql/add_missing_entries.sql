-- Under new numbers: theirs may have been given to what was done here since.
INSERT INTO audit_log (
    happened_at, actor_kind, actor_name, token_id, action, subject_kind, subject, before, after, request_id, address
)
SELECT
    later.happened_at,
    later.actor_kind,
    later.actor_name,
    later.token_id,
    later.action,
    later.subject_kind,
    later.subject,
    later.before,
    later.after,
    later.request_id,
    later.address
FROM jsonb_populate_recordset(NULL::audit_log, %(entries)s) AS later
WHERE NOT EXISTS (
    SELECT
    FROM audit_log AS known
    WHERE known.entry_id = later.entry_id AND known.happened_at = later.happened_at
)
ORDER BY later.entry_id
