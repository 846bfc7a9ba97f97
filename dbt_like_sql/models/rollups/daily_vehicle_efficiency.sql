-- What each vehicle's charging was worth over the day, judged as the 24 h answer judges it: sums first, ratio last.
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
        sum(gap_count) AS gap_count
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

-- The ratio that is shown is the one that is judged. Printed and read back, because round() of 0.84995 gives 0.85 where
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

-- A loss is told of who charged: not of who stood by, and not of a day whose edges say more than its charger.
judged AS (
    SELECT
        *,
        efficiency_ratio IS NOT NULL AND NOT is_low_energy AND NOT coarse_edge AS is_judged
    FROM shown
)

SELECT
    judged.vehicle_id,
    vehicles.external_id AS vehicle_external_id,
    meter_lists.meter_external_ids,
    judged.ac_kwh,
    judged.dc_kwh,
    judged.efficiency_ratio,
    judged.shown_ratio,
    CASE
        WHEN judged.ac_kwh IS NULL OR judged.dc_kwh IS NULL THEN 'no_readings'
        WHEN judged.ac_kwh <= 0 THEN 'no_ac'
        WHEN judged.is_shared THEN 'shared_meter'
        WHEN judged.shown_ratio > 1 THEN 'dc_exceeds_ac'
        WHEN judged.is_low_energy THEN 'low_energy'
        WHEN judged.shown_ratio < limits.threshold_ratio THEN 'below_threshold'
        ELSE 'ok'
    END AS status,
    -- The same DC at this ratio would have taken DC / ratio from the grid; what was paid for beyond that is lost.
    CASE
        WHEN judged.is_judged
            THEN greatest(0, judged.ac_kwh - judged.dc_kwh / limits.threshold_ratio)
    END AS lost_against_threshold_kwh,
    CASE
        WHEN judged.is_judged
            THEN greatest(0, judged.ac_kwh - judged.dc_kwh / limits.target_ratio)
    END AS lost_against_target_kwh,
    CASE WHEN judged.is_low_energy AND judged.shown_ratio <= 1 THEN judged.ac_kwh - judged.dc_kwh END AS standby_kwh,
    judged.coarse_edge,
    judged.is_shared,
    judged.partly_mapped,
    judged.mapped_hours,
    judged.ac_reading_count,
    judged.dc_reading_count,
    judged.ac_coverage_ratio,
    judged.dc_coverage_ratio,
    judged.mean_battery_temp_celsius,
    judged.glitch_count,
    judged.dip_count,
    judged.jump_count,
    judged.rollover_count,
    judged.reset_count,
    judged.rebase_count,
    judged.gap_count
FROM judged
CROSS JOIN limits
INNER JOIN meter_lists
    ON judged.vehicle_id = meter_lists.vehicle_id
INNER JOIN vehicles
    ON judged.vehicle_id = vehicles.vehicle_id AND vehicles.day = getvariable('day')
