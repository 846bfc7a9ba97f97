ALTER TABLE meters ADD COLUMN site text, ADD COLUMN tags text[] NOT NULL DEFAULT '{}';
ALTER TABLE vehicles ADD COLUMN site text, ADD COLUMN tags text[] NOT NULL DEFAULT '{}';

-- Their numbers are in warehouse/contract/reporting.py. Inlined by the planner: they cost nothing.
CREATE FUNCTION device_reporting(ts timestamptz, expected_interval_s integer, seen_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN ts IS NULL THEN 'unseen'
    WHEN extract(EPOCH FROM seen_at - ts) <= 3 * expected_interval_s THEN 'online'
    WHEN extract(EPOCH FROM seen_at - ts) <= 900 THEN 'stale'
    ELSE 'offline'
END;

-- The mean power between two readings, kW; null where they tell of none: the first one, a gap, a step that no charge explains.
CREATE FUNCTION step_power_kw(
    energy_kind text,
    step_from timestamptz,
    step_from_kwh double precision,
    ts timestamptz,
    kwh double precision,
    expected_interval_s integer,
    max_power_kw double precision
) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN step_from >= ts OR extract(EPOCH FROM ts - step_from) > 15 * expected_interval_s THEN NULL
    WHEN energy_kind = 'interval' THEN kwh * 3600 / extract(EPOCH FROM ts - step_from)::double precision
    WHEN
        register_reaches(step_from_kwh, kwh, extract(EPOCH FROM ts - step_from)::double precision, max_power_kw)
        THEN greatest(0, kwh - step_from_kwh) * 3600 / extract(EPOCH FROM ts - step_from)::double precision
END;

CREATE FUNCTION is_charging(power_kw double precision, step interval, resolution_kwh double precision) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(
    power_kw >= 0.5 AND power_kw * extract(EPOCH FROM step)::double precision > 1.5 * 3600 * coalesce(resolution_kwh, 0),
    FALSE
);
