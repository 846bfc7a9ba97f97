-- A ledger that has forgotten its releases counts them from one again.
INSERT INTO lake_restatements (
    day, release, published_at, reason, summary, added_reading_count, device_count, devices
)
VALUES (
    %(day)s, %(release)s, clock_timestamp(), %(reason)s, %(summary)s, %(added_reading_count)s, %(device_count)s, %(devices)s
)
ON CONFLICT (day, release) DO UPDATE SET
    published_at = excluded.published_at,
    reason = excluded.reason,
    summary = excluded.summary,
    added_reading_count = excluded.added_reading_count,
    device_count = excluded.device_count,
    devices = excluded.devices
