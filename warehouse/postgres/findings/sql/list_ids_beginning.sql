-- Two are enough to know that one beginning is that of several.
SELECT finding_id
FROM findings
WHERE starts_with(finding_id::text, %(beginning)s)
ORDER BY finding_id
LIMIT 2
