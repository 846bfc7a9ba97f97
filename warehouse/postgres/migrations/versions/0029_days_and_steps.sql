-- A copy of what readers of the lake see of the dataset of this name on the newest 400 days, for the API. A day's rows are
-- replaced in the transaction that releases it; days that were released before come when they are built again.
CREATE TABLE daily_vehicle_efficiency (
    vehicle_id integer NOT NULL,
    day date NOT NULL,
    ac_kwh double precision,
    dc_kwh double precision,
    efficiency_ratio double precision,
    lost_against_threshold_kwh double precision,
    lost_against_target_kwh double precision,
    standby_kwh double precision,
    mapped_hours double precision NOT NULL,
    ac_coverage_ratio double precision,
    dc_coverage_ratio double precision,
    mean_battery_temp_celsius double precision,
    coarse_edge boolean NOT NULL,
    partly_mapped boolean NOT NULL,
    status text NOT NULL,
    flags jsonb,
    PRIMARY KEY (vehicle_id, day)
);
COMMENT ON COLUMN daily_vehicle_efficiency.flags IS 'How often each flag of the energy rule was raised; null where none was';
CREATE INDEX daily_vehicle_efficiency_of_days ON daily_vehicle_efficiency (day);

-- Between the reading before and the newest one lies the power that flows now. Null until a device has sent two.
ALTER TABLE meter_latest ADD COLUMN step_from timestamptz, ADD COLUMN step_from_kwh double precision;
ALTER TABLE vehicle_latest ADD COLUMN step_from timestamptz, ADD COLUMN step_from_kwh double precision;
