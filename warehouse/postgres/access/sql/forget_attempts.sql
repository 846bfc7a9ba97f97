-- Bounded: what is old goes, and of many those with the fewest failures first, so that names without end push out nobody's pause.
WITH gone AS (
    SELECT kind, subject_sha256
    FROM failed_sign_ins
    WHERE
        last_failed_at < clock_timestamp() - %(forgotten)s
        OR (kind, subject_sha256) IN (
            SELECT ranked.kind, ranked.subject_sha256
            FROM failed_sign_ins AS ranked
            ORDER BY ranked.failures DESC, ranked.last_failed_at DESC
            OFFSET %(most)s
        )
    FOR UPDATE SKIP LOCKED
)

DELETE FROM failed_sign_ins AS known
USING gone
WHERE known.kind = gone.kind AND known.subject_sha256 = gone.subject_sha256
