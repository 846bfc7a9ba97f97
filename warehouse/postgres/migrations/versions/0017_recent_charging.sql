-- Copies of what readers of the lake see of the newest 90 days, for the API, which reads PostgreSQL alone. A day's rows are
-- replaced in the transaction that releases it; days that were released before come when they are built again.
CREATE TABLE charging_sessions (
    session_id text PRIMARY KEY,
    day date NOT NULL,
    kind text NOT NULL,
    vehicle_id integer,
    meter_id integer,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    ac_kwh double precision,
    dc_kwh double precision,
    efficiency_ratio double precision,
    ac_hours double precision,
    dc_hours double precision,
    ac_mean_kw double precision,
    dc_mean_kw double precision,
    ac_plateau_kw double precision,
    dc_plateau_kw double precision,
    mean_voltage_volts double precision,
    soc_start_percent double precision,
    soc_end_percent double precision,
    mean_battery_temp_celsius double precision,
    ac_coverage double precision,
    dc_coverage double precision,
    -- Names with commas between them; empty: none.
    ac_flags text NOT NULL,
    dc_flags text NOT NULL,
    is_qualified boolean NOT NULL
);
CREATE INDEX charging_sessions_of_vehicles ON charging_sessions (vehicle_id, ended_at, session_id);
CREATE INDEX charging_sessions_of_days ON charging_sessions (day);

-- Of daily_standby the meters.
CREATE TABLE meter_standby (
    meter_id integer NOT NULL,
    day date NOT NULL,
    idle_watts double precision,
    idle_hours double precision NOT NULL,
    idle_kwh double precision NOT NULL,
    between_kwh double precision NOT NULL,
    session_kwh double precision NOT NULL,
    PRIMARY KEY (meter_id, day)
);
CREATE INDEX meter_standby_of_days ON meter_standby (day);
