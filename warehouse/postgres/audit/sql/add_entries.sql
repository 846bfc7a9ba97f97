-- One for each change of one act, in this order.
INSERT INTO audit_log (actor_kind, actor_name, token_id, action, subject_kind, subject, before, after, request_id, address)
SELECT
    %(actor_kind)s,
    {actor_name},
    %(token_id)s,
    %(action)s,
    changed.subject_kind,
    changed.subject,
    changed.before,
    changed.after,
    %(request_id)s,
    %(address)s
FROM
    unnest(%(subject_kinds)s::text[], %(subjects)s::text[], %(states_before)s::jsonb[], %(states_after)s::jsonb[])
        WITH ORDINALITY AS changed (subject_kind, subject, before, after, place)
ORDER BY changed.place
