-- The most a register can show that restarted: what one battery takes, with its losses. Trucks declare more.
ALTER TABLE meters
ADD COLUMN max_reset_kwh double precision DEFAULT 150 CHECK (max_reset_kwh > 0);
ALTER TABLE vehicles
ADD COLUMN max_reset_kwh double precision DEFAULT 150 CHECK (max_reset_kwh > 0);
COMMENT ON COLUMN meters.max_reset_kwh IS 'The most the register shows after a restart; null means no limit';
COMMENT ON COLUMN vehicles.max_reset_kwh IS 'The most the register shows after a restart; null means no limit';

-- What the rule of before booked is restated: every exported day's models, dropped days included, from the exports as they are.
INSERT INTO day_builds AS build (day, requested, reason, requested_at)
SELECT
    day,
    1,
    'the energy rule changed: runs of equal corrupt rows, and a limit to what a restarted register books',
    clock_timestamp()
FROM partition_ledger
WHERE state IN ('exported', 'dropped')
GROUP BY day
ON CONFLICT (day) DO UPDATE SET
    requested = build.requested + 1,
    reason = excluded.reason,
    requested_at = clock_timestamp();

-- And the hours of each device that have one of these flags: where the rule of before had none, this one says the same.
INSERT INTO hourly_requests (kind, device_id)
SELECT DISTINCT
    kind,
    device_id
FROM device_hourly
WHERE flags ?| ARRAY['glitch', 'jump', 'rollover', 'reset', 'rebase'];
