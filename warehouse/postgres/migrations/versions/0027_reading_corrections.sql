-- What people said of readings, in the order of saying it: of each instant the last word counts.
CREATE TABLE reading_corrections (
    correction_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    kind device_kind NOT NULL,
    device_id integer NOT NULL,
    starts_at timestamptz NOT NULL,
    -- Excluded. A single reading's ends a microsecond after it, the resolution of instants.
    ends_at timestamptz NOT NULL,
    -- void: these readings are left out; replace: they showed kwh; restore: they count as they were received.
    action text NOT NULL CHECK (action IN ('void', 'replace', 'restore')),
    kwh double precision,
    why text NOT NULL,
    who text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (starts_at < ends_at),
    CHECK ((kwh IS NOT NULL) = (action = 'replace'))
);
CREATE INDEX reading_corrections_of_device ON reading_corrections (kind, device_id, ends_at);

-- Until when a device has readings that were ever corrected; null: it has none, and nobody looks for any.
ALTER TABLE meters ADD COLUMN corrected_until timestamptz;
ALTER TABLE vehicles ADD COLUMN corrected_until timestamptz;
CREATE INDEX meters_corrected ON meters (meter_id) WHERE corrected_until IS NOT NULL;
CREATE INDEX vehicles_corrected ON vehicles (vehicle_id) WHERE corrected_until IS NOT NULL;

CREATE FUNCTION refuse_to_rewrite_corrections() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('fleetwatt.forgetting', TRUE) = 'on' AND TG_OP <> 'TRUNCATE' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'reading_corrections only grows: another correction takes one back';
END
$$;
CREATE TRIGGER reading_corrections_only_grow
BEFORE UPDATE OR DELETE OR TRUNCATE ON reading_corrections
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_corrections();

-- The last word on a reading, if there is any. The planner sets its text into the views below.
CREATE FUNCTION correction_in_force(of_kind device_kind, of_device integer, at_ts timestamptz)
RETURNS SETOF reading_corrections LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT *
    FROM reading_corrections
    WHERE kind = of_kind AND device_id = of_device AND starts_at <= at_ts AND ends_at > at_ts
    ORDER BY correction_id DESC
    LIMIT 1
$$;

-- Readings as they count: for devices that have corrections. Of all others it is the table, at a higher price.
CREATE VIEW corrected_meter_readings AS
SELECT
    reading.meter_id,
    reading.ts,
    coalesce(correction.kwh, reading.kwh) AS kwh,
    reading.voltage_volts
FROM meter_readings AS reading
LEFT JOIN LATERAL correction_in_force('meter', reading.meter_id, reading.ts) AS correction ON TRUE
WHERE correction.action IS DISTINCT FROM 'void';

CREATE VIEW corrected_vehicle_readings AS
SELECT
    reading.vehicle_id,
    reading.ts,
    coalesce(correction.kwh, reading.kwh) AS kwh,
    reading.soc_percent,
    reading.battery_temp_celsius
FROM vehicle_readings AS reading
LEFT JOIN LATERAL correction_in_force('vehicle', reading.vehicle_id, reading.ts) AS correction ON TRUE
WHERE correction.action IS DISTINCT FROM 'void';
