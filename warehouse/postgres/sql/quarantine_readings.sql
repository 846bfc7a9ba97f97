-- The raw bytes are kept once per content and code; sent again, they are only counted.
INSERT INTO quarantined_readings AS kept (code, pointer, detail, source, raw, raw_sha256, times_seen)
SELECT code, min(pointer), min(detail), min(source), raw, sha256(raw), count(*)
FROM unnest(%(codes)s::text[], %(pointers)s::text[], %(details)s::text[], %(sources)s::text[], %(raws)s::bytea[])
    AS refused (code, pointer, detail, source, raw)
GROUP BY code, raw
ORDER BY sha256(raw), code
ON CONFLICT (raw_sha256, code) DO UPDATE SET
    times_seen = kept.times_seen + excluded.times_seen,
    last_seen_at = clock_timestamp()
