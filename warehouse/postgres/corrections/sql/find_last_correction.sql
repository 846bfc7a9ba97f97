-- The last word on any reading of a device between two instants.
SELECT
    correction.correction_id,
    %(device)s::text AS device,
    correction.kind::text AS kind,
    correction.starts_at,
    correction.ends_at,
    correction.action,
    correction.kwh,
    correction.why,
    correction.who,
    correction.made_at
FROM reading_corrections AS correction
WHERE
    correction.kind = %(kind)s::device_kind
    AND correction.device_id = %(device_id)s
    AND correction.starts_at < %(ends_at)s
    AND correction.ends_at > %(starts_at)s
ORDER BY correction.correction_id DESC
LIMIT 1
