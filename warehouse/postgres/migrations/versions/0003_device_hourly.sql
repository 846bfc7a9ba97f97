CREATE TYPE device_kind AS ENUM ('meter', 'vehicle');

-- What the energy rule books for a device in an hour. An hour in which a mapping of the device changes has a row for each
-- stretch between, as the lake's hourly_energy has: starts_at is the hour's begin or the change. Every reading is counted, so
-- the counts tell when rows have come in since. The key includes what the fleet's question sums, so that it never touches
-- the heap; each hour is vacuumed when it is written.
CREATE TABLE device_hourly (
    starts_at timestamptz NOT NULL,
    energy_kwh double precision NOT NULL,
    device_id integer NOT NULL,
    kind device_kind NOT NULL,
    reading_count integer NOT NULL,
    flags jsonb,
    PRIMARY KEY (kind, starts_at, device_id) INCLUDE (energy_kwh, reading_count)
);
COMMENT ON COLUMN device_hourly.flags IS 'How often each flag of the energy rule was raised; null where none was';
CREATE INDEX device_hourly_flagged ON device_hourly (starts_at) WHERE flags IS NOT NULL;

-- The hours that are written, silent ones too.
CREATE TABLE hourly_ledger (
    hour timestamptz PRIMARY KEY,
    written_at timestamptz NOT NULL
);

-- What late_rows summed to when a closed day was last found to be as its hours say.
CREATE TABLE hourly_checks (
    day date PRIMARY KEY,
    late_row_count bigint NOT NULL
);

-- Devices whose hours are to be written anew because their settings (since is null) or a mapping changed. Append-only, like
-- late_rows: nobody waits for anybody.
CREATE TABLE hourly_requests (
    kind device_kind NOT NULL,
    device_id integer NOT NULL,
    since timestamptz
);

-- Whether a step needs no rule: the register grew, and not by more than it can; or there is nothing before it.
CREATE FUNCTION register_only_grew(
    growth_kwh double precision, seconds double precision, max_power_kw double precision
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(growth_kwh BETWEEN 0 AND register_cap_kwh(seconds, max_power_kw), TRUE);
