-- What each vehicle's charging was worth hour by hour: DC that reached the battery over AC that its meter counted.
WITH hours AS (
    SELECT
        hours.hour,
        hours.hour + INTERVAL 1 HOUR AS next_hour
    FROM range(
        getvariable('day')::TIMESTAMP AT TIME ZONE 'UTC',
        (getvariable('day') + 1)::TIMESTAMP AT TIME ZONE 'UTC',
        INTERVAL 1 HOUR
    ) AS hours (hour)
),

-- The span of each hour in which a mapping holds. A vehicle that was mapped and silent has its hours here too, so
-- that it is reported as silent and not forgotten.
mapped_spans AS (
    SELECT
        mapped.vehicle_id,
        mapped.device_id AS meter_id,
        hours.hour,
        greatest(mapped.valid_from, hours.hour) AS mapped_from,
        least(coalesce(mapped.valid_to, 'infinity'), hours.next_hour) AS mapped_to
    FROM mapped_devices AS mapped
    INNER JOIN hours
        ON
            mapped.valid_from < hours.next_hour
            AND (mapped.valid_to IS NULL OR mapped.valid_to > hours.hour)
    WHERE mapped.day = getvariable('day') AND mapped.kind = 'meter'
),

mapped_hours AS (
    SELECT
        vehicle_id,
        hour,
        sum(date_diff('microsecond', mapped_from, mapped_to)) AS mapped_us
    FROM mapped_spans
    GROUP BY vehicle_id, hour
),

-- Two vehicles on one meter at one time: nobody can tell whose AC it was.
shared_hours AS (
    SELECT DISTINCT
        mine.vehicle_id,
        mine.hour
    FROM mapped_spans AS mine
    INNER JOIN mapped_spans AS other
        ON
            mine.meter_id = other.meter_id
            AND mine.hour = other.hour
            AND mine.vehicle_id <> other.vehicle_id
            AND mine.mapped_from < other.mapped_to
            AND mine.mapped_to > other.mapped_from
),

-- A row of hourly_energy lies between two changes of its device's mappings, so a mapping holds for all of it or not
-- at all. Where none holds, neither AC nor DC counts.
counted AS (
    SELECT
        mapped.vehicle_id,
        mapped.kind,
        energy.hour,
        energy.energy_kwh,
        energy.reading_count,
        energy.glitch_count,
        energy.dip_count,
        energy.jump_count,
        energy.rollover_count,
        energy.reset_count,
        energy.rebase_count,
        energy.gap_count,
        energy.first_step_at,
        energy.battery_temp_celsius_sum,
        energy.battery_temp_count,
        energy.reading_count * devices.expected_interval_s AS covered_s
    FROM mapped_devices AS mapped
    INNER JOIN hourly_energy AS energy
        ON
            mapped.kind = energy.kind
            AND mapped.device_id = energy.device_id
            AND mapped.valid_from <= energy.segment_from
            AND (mapped.valid_to IS NULL OR mapped.valid_to > energy.segment_from)
    INNER JOIN devices
        ON mapped.kind = devices.kind AND mapped.device_id = devices.device_id
    WHERE
        mapped.day = getvariable('day')
        AND energy.day = getvariable('day')
        AND devices.day = getvariable('day')
),

sums AS (
    SELECT
        vehicle_id,
        hour,
        sum(energy_kwh) FILTER (WHERE kind = 'meter') AS ac_kwh,
        sum(energy_kwh) FILTER (WHERE kind = 'vehicle') AS dc_kwh,
        sum(reading_count) FILTER (WHERE kind = 'meter') AS ac_reading_count,
        sum(reading_count) FILTER (WHERE kind = 'vehicle') AS dc_reading_count,
        sum(covered_s) FILTER (WHERE kind = 'meter') AS ac_covered_s,
        sum(covered_s) FILTER (WHERE kind = 'vehicle') AS dc_covered_s,
        sum(battery_temp_celsius_sum) FILTER (WHERE kind = 'vehicle') AS battery_temp_celsius_sum,
        sum(battery_temp_count) FILTER (WHERE kind = 'vehicle') AS battery_temp_count,
        sum(glitch_count) AS glitch_count,
        sum(dip_count) AS dip_count,
        sum(jump_count) AS jump_count,
        sum(rollover_count) AS rollover_count,
        sum(reset_count) AS reset_count,
        sum(rebase_count) AS rebase_count,
        sum(gap_count) AS gap_count,
        min(first_step_at) AS first_step_at
    FROM counted
    GROUP BY vehicle_id, hour
),

-- Readings that people left out or replaced, while a mapping held: also in an hour of which no other reading is left.
corrections AS (
    SELECT
        mapped.vehicle_id,
        hours.hour,
        count(*) AS corrected_count
    FROM mapped_devices AS mapped
    INNER JOIN corrected_readings AS corrected
        ON
            mapped.kind = corrected.kind
            AND mapped.device_id = corrected.device_id
            AND mapped.valid_from <= corrected.ts
            AND (mapped.valid_to IS NULL OR mapped.valid_to > corrected.ts)
    INNER JOIN hours
        ON corrected.ts >= hours.hour AND corrected.ts < hours.next_hour
    WHERE
        mapped.day = getvariable('day')
        AND corrected.day = getvariable('day')
    GROUP BY mapped.vehicle_id, hours.hour
)

SELECT
    mapped_hours.vehicle_id,
    mapped_hours.hour,
    sums.ac_kwh,
    sums.dc_kwh,
    CASE
        WHEN shared_hours.vehicle_id IS NULL AND sums.ac_kwh > 0 THEN sums.dc_kwh / sums.ac_kwh
    END AS efficiency_ratio,
    shared_hours.vehicle_id IS NOT NULL AS is_shared,
    mapped_hours.mapped_us < 3600e6 AS partly_mapped,
    mapped_hours.mapped_us / 1e6 AS mapped_s,
    coalesce(sums.ac_reading_count, 0) AS ac_reading_count,
    coalesce(sums.dc_reading_count, 0) AS dc_reading_count,
    coalesce(sums.ac_covered_s, 0) AS ac_covered_s,
    coalesce(sums.dc_covered_s, 0) AS dc_covered_s,
    least(1.0, coalesce(sums.ac_covered_s, 0) / 3600) AS ac_coverage_ratio,
    least(1.0, coalesce(sums.dc_covered_s, 0) / 3600) AS dc_coverage_ratio,
    sums.battery_temp_celsius_sum / nullif(sums.battery_temp_count, 0) AS mean_battery_temp_celsius,
    coalesce(sums.battery_temp_count, 0) AS battery_temp_count,
    coalesce(sums.glitch_count, 0) AS glitch_count,
    coalesce(sums.dip_count, 0) AS dip_count,
    coalesce(sums.jump_count, 0) AS jump_count,
    coalesce(sums.rollover_count, 0) AS rollover_count,
    coalesce(sums.reset_count, 0) AS reset_count,
    coalesce(sums.rebase_count, 0) AS rebase_count,
    coalesce(sums.gap_count, 0) AS gap_count,
    coalesce(corrections.corrected_count, 0) AS corrected_count,
    -- More than a quarter of the hour before it: what the first step booked belongs mostly elsewhere.
    coalesce(sums.first_step_at < mapped_hours.hour - INTERVAL 15 MINUTE, FALSE) AS coarse_edge
FROM mapped_hours
LEFT JOIN sums
    ON mapped_hours.vehicle_id = sums.vehicle_id AND mapped_hours.hour = sums.hour
LEFT JOIN shared_hours
    ON mapped_hours.vehicle_id = shared_hours.vehicle_id AND mapped_hours.hour = shared_hours.hour
LEFT JOIN corrections
    ON mapped_hours.vehicle_id = corrections.vehicle_id AND mapped_hours.hour = corrections.hour
