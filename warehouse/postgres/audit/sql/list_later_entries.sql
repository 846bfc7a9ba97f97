SELECT to_jsonb(audit_log) AS entry
FROM audit_log
WHERE happened_at > %(after)s
ORDER BY entry_id
