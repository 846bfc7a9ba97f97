-- The efficiency of each vehicle's charging over the day, rated as the 24 h answer rates it: sums first, ratio last.
WITH limits AS (
    -- Below the threshold something fails, leaks or wears out; a healthy charger reaches the target. A vehicle whose AC and
    -- DC are both below the low energy only stood by. Where a first step began a quarter of a day before the day, or one
    -- side saw a larger share alone than the coarse one, the day's edges say more than its charger.
    SELECT
        0.85 AS threshold_ratio,
        0.90 AS target_ratio,
        2.0 AS low_energy_kwh,
        0.05 AS coarse_share,
        getvariable('day')::TIMESTAMP AT TIME ZONE 'UTC' - INTERVAL 6 HOUR AS first_step_after
),

meters_of_vehicle AS (
    SELECT
        mapped.vehicle_id,
        meters.external_id,
        min(mapped.valid_from) AS mapped_from
    FROM mapped_devices AS mapped
    INNER JOIN devices AS meters
        ON mapped.kind = meters.kind AND mapped.device_id = meters.device_id
    WHERE
        mapped.day = getvariable('day')
        AND meters.day = getvariable('day')
        AND mapped.kind = 'meter'
    GROUP BY mapped.vehicle_id, meters.external_id
),

meter_lists AS (
    SELECT
        vehicle_id,
        list(external_id ORDER BY mapped_from, external_id) AS meter_external_ids
    FROM meters_of_vehicle
    GROUP BY vehicle_id
),

sums AS (
    SELECT
        vehicle_id,
        sum(ac_kwh) AS ac_kwh,
        sum(dc_kwh) AS dc_kwh,
        bool_or(is_shared) AS is_shared,
        count(*) FILTER (WHERE NOT partly_mapped) < 24 AS partly_mapped,
        sum(mapped_s) / 3600 AS mapped_hours,
        sum(ac_reading_count) AS ac_reading_count,
        sum(dc_reading_count) AS dc_reading_count,
        least(1.0, sum(ac_covered_s) / 86400) AS ac_coverage_ratio,
        least(1.0, sum(dc_covered_s) / 86400) AS dc_coverage_ratio,
        sum(mean_battery_temp_celsius * battery_temp_count) / nullif(sum(battery_temp_count), 0)
            AS mean_battery_temp_celsius,
        sum(glitch_count) AS glitch_count,
        sum(dip_count) AS dip_count,
        sum(jump_count) AS jump_count,
        sum(rollover_count) AS rollover_count,
        sum(reset_count) AS reset_count,
        sum(rebase_count) AS rebase_count,
        sum(gap_count) AS gap_count,
        sum(corrected_count) AS corrected_count
    FROM hourly_vehicle_efficiency
    WHERE day = getvariable('day')
    GROUP BY vehicle_id
),

ratios AS (
    SELECT
        *,
        CASE WHEN ac_kwh > 0 AND NOT is_shared THEN dc_kwh / ac_kwh END AS efficiency_ratio
    FROM sums
),

-- The ratio that is shown is the one that is rated. Printed and read back, because round() of 0.84995 gives 0.85 where
-- the API, which rounds the binary number itself, shows 0.8499.
shown AS (
    SELECT
        ratios.*,
        format('{:.4f}', ratios.efficiency_ratio)::DOUBLE AS shown_ratio,
        ratios.ac_kwh < limits.low_energy_kwh AND ratios.dc_kwh < limits.low_energy_kwh AS is_low_energy,
        coalesce(
            edges.first_step_at < limits.first_step_after
            OR abs(edges.surplus_kwh) > limits.coarse_share * greatest(ratios.ac_kwh, ratios.dc_kwh),
            FALSE
        ) AS coarse_edge
    FROM ratios
    CROSS JOIN limits
    LEFT JOIN daily_vehicle_edges AS edges
        ON ratios.vehicle_id = edges.vehicle_id AND edges.day = getvariable('day')
),

-- Losses are given for vehicles that charged: not for one that only stood by, nor for a day that its edges decide.
rated AS (
    SELECT
        *,
        efficiency_ratio IS NOT NULL AND NOT is_low_energy AND NOT coarse_edge AS is_rated
    FROM shown
)

SELECT
    rated.vehicle_id,
    vehicles.external_id AS vehicle_external_id,
    meter_lists.meter_external_ids,
    rated.ac_kwh,
    rated.dc_kwh,
    rated.efficiency_ratio,
    rated.shown_ratio,
    CASE
        WHEN rated.ac_kwh IS NULL OR rated.dc_kwh IS NULL THEN 'no_readings'
        WHEN rated.ac_kwh <= 0 THEN 'no_ac'
        WHEN rated.is_shared THEN 'shared_meter'
        WHEN rated.shown_ratio > 1 THEN 'dc_exceeds_ac'
        WHEN rated.is_low_energy THEN 'low_energy'
        WHEN rated.shown_ratio < limits.threshold_ratio THEN 'below_threshold'
        ELSE 'ok'
    END AS status,
    -- The same DC at this ratio would have taken DC / ratio from the grid; what was paid for beyond that is lost.
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
    rated.partly_mapped,
    rated.mapped_hours,
    rated.ac_reading_count,
    rated.dc_reading_count,
    rated.ac_coverage_ratio,
    rated.dc_coverage_ratio,
    rated.mean_battery_temp_celsius,
    rated.glitch_count,
    rated.dip_count,
    rated.jump_count,
    rated.rollover_count,
    rated.reset_count,
    rated.rebase_count,
    rated.gap_count,
    rated.corrected_count
FROM rated
CROSS JOIN limits
INNER JOIN meter_lists
    ON rated.vehicle_id = meter_lists.vehicle_id
INNER JOIN vehicles
    ON rated.vehicle_id = vehicles.vehicle_id AND vehicles.day = getvariable('day')
