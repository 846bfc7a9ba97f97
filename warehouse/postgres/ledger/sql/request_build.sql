INSERT INTO day_builds AS build (day, requested, reason, requested_at)
VALUES (%(day)s, 1, %(reason)s, clock_timestamp())
ON CONFLICT (day) DO UPDATE SET
    requested = build.requested + 1,
    reason = excluded.reason,
    requested_at = clock_timestamp()
