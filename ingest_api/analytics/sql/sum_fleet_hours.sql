-- Every vehicle's window of whole hours, rated as performance.py rates one, and what the fleet amounts to: one row.
-- Where a mapping holds all through the window a device's hours are summed whole; only the others are looked at one by one.
WITH segments AS MATERIALIZED (
    SELECT
        mapping.vehicle_id,
        mapping.meter_id,
        greatest(mapping.valid_from, %(window_from)s) AS counts_from,
        coalesce(least(mapping.valid_to, %(window_to)s), %(window_to)s) AS counts_to,
        mapping.valid_from <= %(window_from)s AND coalesce(mapping.valid_to >= %(window_to)s, TRUE) AS is_whole
    FROM vehicle_meter_map AS mapping
    WHERE mapping.valid_from < %(window_to)s AND coalesce(mapping.valid_to > %(window_from)s, TRUE)
),

meter_sums AS MATERIALIZED (
    SELECT device_id AS meter_id, sum(energy_kwh) AS energy_kwh, sum(reading_count) AS reading_count
    FROM device_hourly
    WHERE kind = 'meter' AND starts_at >= %(window_from)s AND starts_at < %(window_to)s
    GROUP BY device_id
),

vehicle_sums AS MATERIALIZED (
    SELECT device_id AS vehicle_id, sum(energy_kwh) AS energy_kwh, sum(reading_count) AS reading_count
    FROM device_hourly
    WHERE kind = 'vehicle' AND starts_at >= %(window_from)s AND starts_at < %(window_to)s
    GROUP BY device_id
),

ac AS (
    SELECT
        vehicle_id,
        sum(booked.energy_kwh) AS kwh,
        sum(booked.reading_count * meter.expected_interval_s) AS covered_seconds,
        max(meter.expected_interval_s) AS interval_s
    FROM (
        SELECT segment.vehicle_id, meter_id, meter_sums.energy_kwh, meter_sums.reading_count
        FROM segments AS segment
        INNER JOIN meter_sums USING (meter_id)
        WHERE segment.is_whole
        UNION ALL
        SELECT segment.vehicle_id, segment.meter_id, hourly.energy_kwh, hourly.reading_count
        FROM segments AS segment
        INNER JOIN device_hourly AS hourly
            ON
                segment.meter_id = hourly.device_id AND hourly.kind = 'meter'
                AND segment.counts_from <= hourly.starts_at AND segment.counts_to > hourly.starts_at
        WHERE NOT segment.is_whole AND hourly.starts_at >= %(window_from)s AND hourly.starts_at < %(window_to)s
    ) AS booked
    INNER JOIN meters AS meter USING (meter_id)
    GROUP BY vehicle_id
),

dc AS (
    SELECT
        vehicle_id,
        sum(booked.energy_kwh) AS kwh,
        sum(booked.reading_count * vehicle.expected_interval_s) AS covered_seconds,
        max(vehicle.expected_interval_s) AS interval_s
    FROM (
        SELECT vehicle_id, vehicle_sums.energy_kwh, vehicle_sums.reading_count
        FROM segments AS segment
        INNER JOIN vehicle_sums USING (vehicle_id)
        WHERE segment.is_whole
        UNION ALL
        SELECT segment.vehicle_id, hourly.energy_kwh, hourly.reading_count
        FROM segments AS segment
        INNER JOIN device_hourly AS hourly
            ON
                segment.vehicle_id = hourly.device_id AND hourly.kind = 'vehicle'
                AND segment.counts_from <= hourly.starts_at AND segment.counts_to > hourly.starts_at
        WHERE NOT segment.is_whole AND hourly.starts_at >= %(window_from)s AND hourly.starts_at < %(window_to)s
    ) AS booked
    INNER JOIN vehicles AS vehicle USING (vehicle_id)
    GROUP BY vehicle_id
),

mapped AS (
    SELECT vehicle_id, extract(EPOCH FROM sum(counts_to - counts_from)) AS mapped_seconds
    FROM segments
    GROUP BY vehicle_id
),

shared AS (
    SELECT DISTINCT mine.vehicle_id
    FROM segments AS mine
    INNER JOIN segments AS other
        ON
            mine.meter_id = other.meter_id
            AND mine.vehicle_id <> other.vehicle_id
            AND mine.counts_from < other.counts_to
            AND mine.counts_to > other.counts_from
),

measured AS (
    SELECT
        vehicle_id,
        ac.kwh AS ac_kwh,
        dc.kwh AS dc_kwh,
        CASE WHEN ac.kwh > 0 AND shared.vehicle_id IS NULL THEN dc.kwh / ac.kwh END AS efficiency_ratio,
        shared.vehicle_id IS NOT NULL AS is_shared,
        least(1, coalesce(ac.covered_seconds, 0) / %(window_seconds)s::float8) AS ac_coverage,
        least(1, coalesce(dc.covered_seconds, 0) / %(window_seconds)s::float8) AS dc_coverage,
        mapped.mapped_seconds < %(window_seconds)s AS is_partly_mapped,
        ac.kwh < %(low_energy_kwh)s AND dc.kwh < %(low_energy_kwh)s AS is_low_energy,
        -- Coarse edges: the step into the window may have begun more than a quarter of the window before it.
        greatest(ac.interval_s, dc.interval_s) > %(coarse_first_step_s)s AS has_coarse_edge
    FROM mapped
    LEFT JOIN ac USING (vehicle_id)
    LEFT JOIN dc USING (vehicle_id)
    LEFT JOIN shared USING (vehicle_id)
),

rated AS MATERIALIZED (
    SELECT
        *,
        CASE
            WHEN ac_kwh IS NULL OR dc_kwh IS NULL THEN 'no_readings'
            WHEN ac_kwh <= 0 THEN 'no_ac'
            WHEN is_shared THEN 'shared_meter'
            WHEN efficiency_ratio >= %(exceeds_from)s AND NOT has_coarse_edge THEN 'dc_exceeds_ac'
            WHEN is_low_energy THEN 'low_energy'
            WHEN efficiency_ratio < %(ok_from)s AND NOT has_coarse_edge THEN 'below_threshold'
            ELSE 'ok'
        END AS status,
        -- Who only stood by, or whose edges are coarse, has a ratio that says nothing of the charger.
        efficiency_ratio IS NOT NULL AND NOT is_low_energy AND NOT has_coarse_edge AS is_comparable
    FROM measured
),

chosen AS MATERIALIZED (
    SELECT *
    FROM rated
    WHERE is_comparable
    ORDER BY efficiency_ratio, vehicle_id
    LIMIT %(worst)s
),

raised AS MATERIALIZED (
    SELECT side.vehicle_id, flag.name, sum(flag.times::bigint) AS times
    FROM (
        SELECT segment.*, 'meter'::device_kind AS kind, segment.meter_id AS device_id
        FROM chosen
        INNER JOIN segments AS segment USING (vehicle_id)
        UNION ALL
        SELECT segment.*, 'vehicle', segment.vehicle_id
        FROM chosen
        INNER JOIN segments AS segment USING (vehicle_id)
    ) AS side
    INNER JOIN device_hourly AS hourly
        ON
            side.kind = hourly.kind AND side.device_id = hourly.device_id
            AND side.counts_from <= hourly.starts_at AND side.counts_to > hourly.starts_at
    CROSS JOIN LATERAL jsonb_each_text(hourly.flags) AS flag (name, times)
    WHERE hourly.flags IS NOT NULL AND hourly.starts_at >= %(window_from)s AND hourly.starts_at < %(window_to)s
    GROUP BY side.vehicle_id, flag.name
),

worst AS (
    SELECT
        vehicle.external_id AS vehicle_id,
        chosen.ac_kwh,
        chosen.dc_kwh,
        chosen.efficiency_ratio,
        chosen.ac_coverage,
        chosen.dc_coverage,
        chosen.status,
        chosen.is_partly_mapped,
        (SELECT jsonb_object_agg(raised.name, raised.times) FROM raised WHERE raised.vehicle_id = chosen.vehicle_id) AS flags
    FROM chosen
    INNER JOIN vehicles AS vehicle USING (vehicle_id)
    ORDER BY chosen.efficiency_ratio, chosen.vehicle_id
),

-- Charger and site are those of the meter that a vehicle had last; a site of its own counts where the meter has none.
labelled AS MATERIALIZED (
    SELECT
        rated.*,
        meter.model,
        coalesce(meter.site, vehicle.site) AS site,
        vehicle.tags || meter.tags AS tags
    FROM rated
    INNER JOIN (
        SELECT DISTINCT ON (vehicle_id) vehicle_id, meter_id
        FROM segments
        ORDER BY vehicle_id ASC, counts_to DESC, meter_id ASC
    ) AS newest USING (vehicle_id)
    INNER JOIN meters AS meter USING (meter_id)
    INNER JOIN vehicles AS vehicle USING (vehicle_id)
),

named AS (
    SELECT 'model' AS grouped_by, model AS name, ac_kwh, dc_kwh, efficiency_ratio, status
    FROM labelled
    UNION ALL
    SELECT 'site', site, ac_kwh, dc_kwh, efficiency_ratio, status
    FROM labelled
    UNION ALL
    SELECT 'tag', tag.name, ac_kwh, dc_kwh, efficiency_ratio, status
    FROM labelled
    CROSS JOIN LATERAL (SELECT DISTINCT unnest(labelled.tags) AS name) AS tag
),

grouped AS (
    SELECT
        grouped_by,
        name,
        count(*) AS vehicles,
        count(*) FILTER (WHERE status = 'below_threshold') AS below_threshold,
        sum(ac_kwh) FILTER (WHERE efficiency_ratio IS NOT NULL) AS ac_kwh,
        sum(dc_kwh) FILTER (WHERE efficiency_ratio IS NOT NULL) AS dc_kwh,
        row_number() OVER (
            PARTITION BY grouped_by
            ORDER BY sum(ac_kwh) FILTER (WHERE efficiency_ratio IS NOT NULL) DESC NULLS LAST, name ASC
        ) AS place
    FROM named
    GROUP BY grouped_by, name
),

statuses AS (
    SELECT status, count(*) AS vehicles
    FROM rated
    GROUP BY status
),

bins AS (
    SELECT width_bucket(efficiency_ratio, %(bins_from)s::float8[]) AS bin, count(*) AS vehicles, sum(ac_kwh) AS ac_kwh
    FROM rated
    WHERE is_comparable
    GROUP BY bin
)

SELECT
    (SELECT sum(energy_kwh) FROM meter_sums) AS metered_ac_kwh,
    (SELECT sum(energy_kwh) FROM vehicle_sums) AS delivered_dc_kwh,
    sum(ac_kwh) FILTER (WHERE efficiency_ratio IS NOT NULL) AS ac_kwh,
    sum(dc_kwh) FILTER (WHERE efficiency_ratio IS NOT NULL) AS dc_kwh,
    sum(ac_kwh - dc_kwh) FILTER (WHERE status = 'low_energy') AS standby_kwh,
    avg(ac_coverage) AS ac_coverage,
    avg(dc_coverage) AS dc_coverage,
    (SELECT jsonb_object_agg(status, vehicles) FROM statuses) AS statuses,
    (SELECT jsonb_object_agg(bin, jsonb_build_array(vehicles, ac_kwh)) FROM bins) AS bins,
    (SELECT jsonb_agg(to_jsonb(worst)) FROM worst) AS worst,
    (
        SELECT jsonb_agg(to_jsonb(grouped) ORDER BY grouped.place)
        FROM grouped
        WHERE grouped.place <= %(groups)s
    ) AS groups
FROM rated
