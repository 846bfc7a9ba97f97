SELECT
    entry_id,
    happened_at,
    actor_kind,
    actor_name,
    token_id,
    action,
    subject_kind,
    subject,
    before,
    after,
    request_id,
    address
FROM audit_log
WHERE
    (%(since)s::timestamptz IS NULL OR happened_at >= %(since)s::timestamptz)
    AND (%(until)s::timestamptz IS NULL OR happened_at < %(until)s::timestamptz)
    AND (%(actor)s::text IS NULL OR %(actor)s::text IN (actor_name, token_id, actor_kind))
    AND (%(actions)s::text[] IS NULL OR action = any(%(actions)s::text[]))
    AND (%(subject)s::text IS NULL OR subject = %(subject)s::text)
    AND (%(before)s::bigint IS NULL OR entry_id < %(before)s::bigint)
ORDER BY entry_id DESC
LIMIT %(limit)s
