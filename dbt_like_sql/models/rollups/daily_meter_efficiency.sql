-- The efficiency of each meter over the day: the DC of all vehicles that it fed over the AC that it counted for them. A
-- meter that fed two vehicles at one time has a ratio, which neither of them has.
WITH limits AS (
    -- As in daily_vehicle_efficiency.
    SELECT
        0.85 AS threshold_ratio,
        0.90 AS target_ratio,
        2.0 AS low_energy_kwh,
        getvariable('day')::TIMESTAMP AT TIME ZONE 'UTC' AS day_from,
        (getvariable('day') + 1)::TIMESTAMP AT TIME ZONE 'UTC' AS day_to
),

mappings AS (
    SELECT
        mapped.mapping_id,
        mapped.device_id AS meter_id,
        mapped.vehicle_id,
        mapped.valid_from,
        greatest(mapped.valid_from, limits.day_from) AS mapped_from,
        least(coalesce(mapped.valid_to, 'infinity'), limits.day_to) AS mapped_to
    FROM mapped_devices AS mapped
    CROSS JOIN limits
    WHERE mapped.day = getvariable('day') AND mapped.kind = 'meter'
),

-- A mapping that begins before an earlier one has ended shares the meter until then.
ordered AS (
    SELECT
        meter_id,
        mapped_from,
        mapped_to,
        max(mapped_to) OVER (
            PARTITION BY meter_id
            ORDER BY mapped_from, mapping_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS earlier_to
    FROM mappings
),

spans AS (
    SELECT
        meter_id,
        coalesce(bool_or(mapped_from < earlier_to), FALSE) AS is_shared,
        sum(greatest(0, date_diff('microsecond', greatest(mapped_from, earlier_to), mapped_to))) / 1e6 AS mapped_s,
        sum(date_diff('microsecond', mapped_from, mapped_to)) / 1e6 AS vehicles_mapped_s
    FROM ordered
    GROUP BY meter_id
),

vehicles_of_meter AS (
    SELECT
        mappings.meter_id,
        daily.vehicle_external_id,
        min(mappings.valid_from) AS mapped_from,
        bool_or(daily.coarse_edge) AS coarse_edge
    FROM mappings
    INNER JOIN daily_vehicle_efficiency AS daily
        ON mappings.vehicle_id = daily.vehicle_id AND daily.day = getvariable('day')
    GROUP BY mappings.meter_id, daily.vehicle_external_id
),

vehicle_lists AS (
    SELECT
        meter_id,
        list(vehicle_external_id ORDER BY mapped_from, vehicle_external_id) AS vehicle_external_ids,
        bool_or(coarse_edge) AS coarse_edge
    FROM vehicles_of_meter
    GROUP BY meter_id
),

-- A row of hourly_energy lies between two changes of its device's mappings. What a meter counted for two vehicles is
-- found by both mappings, and counts once.
counted AS (
    SELECT DISTINCT
        mappings.meter_id,
        energy.kind,
        energy.device_id,
        energy.hour,
        energy.segment_from,
        energy.energy_kwh,
        energy.reading_count,
        energy.reading_count * devices.expected_interval_s AS covered_s,
        energy.glitch_count,
        energy.dip_count,
        energy.jump_count,
        energy.rollover_count,
        energy.reset_count,
        energy.rebase_count,
        energy.gap_count
    FROM mappings
    INNER JOIN mapped_devices AS mapped
        ON mappings.mapping_id = mapped.mapping_id
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
        meter_id,
        sum(energy_kwh) FILTER (WHERE kind = 'meter') AS ac_kwh,
        sum(energy_kwh) FILTER (WHERE kind = 'vehicle') AS dc_kwh,
        sum(reading_count) FILTER (WHERE kind = 'meter') AS ac_reading_count,
        sum(reading_count) FILTER (WHERE kind = 'vehicle') AS dc_reading_count,
        sum(covered_s) FILTER (WHERE kind = 'meter') AS ac_covered_s,
        sum(covered_s) FILTER (WHERE kind = 'vehicle') AS dc_covered_s,
        sum(glitch_count) AS glitch_count,
        sum(dip_count) AS dip_count,
        sum(jump_count) AS jump_count,
        sum(rollover_count) AS rollover_count,
        sum(reset_count) AS reset_count,
        sum(rebase_count) AS rebase_count,
        sum(gap_count) AS gap_count
    FROM counted
    GROUP BY meter_id
),

-- What two mappings of one meter find counts once, as above.
corrected AS (
    SELECT DISTINCT
        mappings.meter_id,
        readings.kind,
        readings.device_id,
        readings.ts
    FROM mappings
    INNER JOIN mapped_devices AS mapped
        ON mappings.mapping_id = mapped.mapping_id
    INNER JOIN corrected_readings AS readings
        ON
            mapped.kind = readings.kind
            AND mapped.device_id = readings.device_id
            AND mapped.valid_from <= readings.ts
            AND (mapped.valid_to IS NULL OR mapped.valid_to > readings.ts)
    WHERE
        mapped.day = getvariable('day')
        AND readings.day = getvariable('day')
),

corrections AS (
    SELECT
        meter_id,
        count(*) AS corrected_count
    FROM corrected
    GROUP BY meter_id
),

ratios AS (
    SELECT
        *,
        CASE WHEN ac_kwh > 0 THEN dc_kwh / ac_kwh END AS efficiency_ratio
    FROM sums
),

-- Rounded as in daily_vehicle_efficiency.
shown AS (
    SELECT
        ratios.*,
        format('{:.4f}', ratios.efficiency_ratio)::DOUBLE AS shown_ratio,
        ratios.ac_kwh < limits.low_energy_kwh AND ratios.dc_kwh < limits.low_energy_kwh AS is_low_energy
    FROM ratios
    CROSS JOIN limits
),

rated AS (
    SELECT
        spans.*,
        vehicle_lists.vehicle_external_ids,
        vehicle_lists.coarse_edge,
        shown.* EXCLUDE (meter_id),
        shown.efficiency_ratio IS NOT NULL AND NOT shown.is_low_energy AND NOT vehicle_lists.coarse_edge AS is_rated
    FROM spans
    INNER JOIN vehicle_lists
        ON spans.meter_id = vehicle_lists.meter_id
    LEFT JOIN shown
        ON spans.meter_id = shown.meter_id
)

SELECT
    rated.meter_id,
    meters.external_id AS meter_external_id,
    rated.vehicle_external_ids,
    rated.ac_kwh,
    rated.dc_kwh,
    rated.efficiency_ratio,
    rated.shown_ratio,
    CASE
        WHEN rated.ac_kwh IS NULL OR rated.dc_kwh IS NULL THEN 'no_readings'
        WHEN rated.ac_kwh <= 0 THEN 'no_ac'
        WHEN rated.shown_ratio > 1 THEN 'dc_exceeds_ac'
        WHEN rated.is_low_energy THEN 'low_energy'
        WHEN rated.shown_ratio < limits.threshold_ratio THEN 'below_threshold'
        ELSE 'ok'
    END AS status,
    CASE
        WHEN rated.is_rated
            THEN greatest(0, rated.ac_kwh - rated.dc_kwh / limits.threshold_ratio)
    END AS lost_against_threshold_kwh,
    CASE
        WHEN rated.is_rated
            THEN greatest(0, rated.ac_kwh - rated.dc_kwh / limits.target_ratio)
    END AS lost_against_target_kwh,
    CASE WHEN rated.is_low_energy AND rated.shown_ratio <= 1 THEN rated.ac_kwh - rated.dc_kwh END AS standby_kwh,
    rated.coarse_edge,
    rated.is_shared,
    rated.mapped_s < 86400 AS partly_mapped,
    rated.mapped_s / 3600 AS mapped_hours,
    coalesce(rated.ac_reading_count, 0) AS ac_reading_count,
    coalesce(rated.dc_reading_count, 0) AS dc_reading_count,
    least(1.0, coalesce(rated.ac_covered_s, 0) / rated.mapped_s) AS ac_coverage_ratio,
    least(1.0, coalesce(rated.dc_covered_s, 0) / rated.vehicles_mapped_s) AS dc_coverage_ratio,
    coalesce(rated.glitch_count, 0) AS glitch_count,
    coalesce(rated.dip_count, 0) AS dip_count,
    coalesce(rated.jump_count, 0) AS jump_count,
    coalesce(rated.rollover_count, 0) AS rollover_count,
    coalesce(rated.reset_count, 0) AS reset_count,
    coalesce(rated.rebase_count, 0) AS rebase_count,
    coalesce(rated.gap_count, 0) AS gap_count,
    coalesce(corrections.corrected_count, 0) AS corrected_count
FROM rated
CROSS JOIN limits
INNER JOIN meters
    ON rated.meter_id = meters.meter_id AND meters.day = getvariable('day')
LEFT JOIN corrections
    ON rated.meter_id = corrections.meter_id
