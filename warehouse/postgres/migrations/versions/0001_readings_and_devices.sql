-- Devices: the id a device sends (external_id) and the small integer everything else refers to it by.
CREATE TABLE meters (
    meter_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    external_id text COLLATE "C" NOT NULL UNIQUE,
    energy_kind text NOT NULL DEFAULT 'counter' CHECK (energy_kind IN ('counter', 'interval')),
    max_power_kw double precision DEFAULT 400 CHECK (max_power_kw > 0),
    resolution_kwh double precision DEFAULT 0.01 CHECK (resolution_kwh > 0),
    rollover_kwh double precision CHECK (rollover_kwh > 0),
    expected_interval_s integer NOT NULL DEFAULT 60 CHECK (expected_interval_s BETWEEN 1 AND 86400),
    model text,
    display_name text,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN meters.max_power_kw IS 'Bounds how fast the register can grow; null means unknown, no bound';

CREATE TABLE vehicles (
    vehicle_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    external_id text COLLATE "C" NOT NULL UNIQUE,
    energy_kind text NOT NULL DEFAULT 'counter' CHECK (energy_kind IN ('counter', 'interval')),
    max_power_kw double precision DEFAULT 400 CHECK (max_power_kw > 0),
    resolution_kwh double precision DEFAULT 0.01 CHECK (resolution_kwh > 0),
    rollover_kwh double precision CHECK (rollover_kwh > 0),
    expected_interval_s integer NOT NULL DEFAULT 60 CHECK (expected_interval_s BETWEEN 1 AND 86400),
    model text,
    display_name text,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- History (cold): append-only, one partition a UTC day. The widest columns come first, so no row carries padding.
-- No foreign key to the device: it would cost a lookup a row, and ids come only from the device tables.
-- The key includes what the 24 h query reads, so that it never touches the heap.
CREATE TABLE meter_readings (
    ts timestamptz NOT NULL,
    kwh double precision NOT NULL,
    meter_id integer NOT NULL,
    voltage_volts real,
    PRIMARY KEY (meter_id, ts) INCLUDE (kwh)
) PARTITION BY RANGE (ts);

CREATE TABLE vehicle_readings (
    ts timestamptz NOT NULL,
    kwh double precision NOT NULL,
    vehicle_id integer NOT NULL,
    soc_percent real,
    battery_temp_celsius real,
    PRIMARY KEY (vehicle_id, ts) INCLUDE (kwh, battery_temp_celsius)
) PARTITION BY RANGE (ts);

-- Current state (hot): one row a device. Half-empty pages let updates stay on the page (HOT).
CREATE TABLE meter_latest (
    meter_id integer PRIMARY KEY REFERENCES meters,
    ts timestamptz NOT NULL,
    kwh double precision NOT NULL,
    voltage_volts real,
    received_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE vehicle_latest (
    vehicle_id integer PRIMARY KEY REFERENCES vehicles,
    ts timestamptz NOT NULL,
    kwh double precision NOT NULL,
    soc_percent real,
    battery_temp_celsius real,
    received_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Which meter fed which vehicle, and when: [valid_from, valid_to), open where valid_to is null.
-- The range of one integer stands for equality, so no extension is needed for the exclusion.
CREATE TABLE vehicle_meter_map (
    mapping_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id integer NOT NULL REFERENCES vehicles,
    meter_id integer NOT NULL REFERENCES meters,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (valid_from < valid_to),
    CONSTRAINT one_meter_at_a_time EXCLUDE USING gist (
        int4range(vehicle_id, vehicle_id, '[]') WITH &&,
        tstzrange(valid_from, valid_to) WITH &&
    )
);
CREATE INDEX vehicle_meter_map_by_vehicle ON vehicle_meter_map (vehicle_id, valid_from);
CREATE INDEX vehicle_meter_map_by_meter ON vehicle_meter_map (meter_id, valid_from);

-- What could not become a reading, kept with its reason: the raw bytes, once per content and code.
CREATE TABLE quarantined_readings (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL,
    pointer text NOT NULL,
    detail text NOT NULL,
    source text NOT NULL,
    raw bytea NOT NULL,
    raw_sha256 bytea NOT NULL,
    times_seen bigint NOT NULL DEFAULT 1,
    first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (raw_sha256, code)
);
CREATE INDEX quarantined_readings_by_age ON quarantined_readings (last_seen_at);

-- The truth about each partition.
CREATE TABLE partition_ledger (
    stream text NOT NULL CHECK (stream IN ('meter_readings', 'vehicle_readings')),
    day date NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'sealed', 'exported', 'dropped')),
    late_after timestamptz NOT NULL,
    seal_after timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stream, day),
    CHECK (late_after <= seal_after)
);

-- Rows stored after late_after, one record an inserting statement: a counter would make writers wait for each other.
CREATE TABLE late_rows (
    stream text NOT NULL,
    day date NOT NULL,
    row_count bigint NOT NULL CHECK (row_count > 0),
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX late_rows_by_day ON late_rows (stream, day) INCLUDE (row_count);

-- The two limits of the energy rule (warehouse/contract/energy.py). Inlined by the planner: they cost nothing.
CREATE FUNCTION register_cap_kwh(seconds double precision, max_power_kw double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(max_power_kw * seconds / 3600 * 1.10 + 1.0, double precision 'Infinity');

CREATE FUNCTION register_reaches(
    before_kwh double precision, after_kwh double precision, seconds double precision, max_power_kw double precision
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN after_kwh - before_kwh BETWEEN
    -least(0.10 * before_kwh, register_cap_kwh(least(seconds, 900), max_power_kw)) - 1e-6
    AND register_cap_kwh(seconds, max_power_kw) + 1e-6;

-- How far each file has been imported, so that an interrupted import goes on where it was.
CREATE TABLE imports (
    file_sha256 bytea PRIMARY KEY,
    file_name text NOT NULL,
    lines_done bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
