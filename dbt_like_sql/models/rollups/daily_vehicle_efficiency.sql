-- What each vehicle's charging was worth over the day, judged as the 24 h answer judges it: sums first, ratio last.
WITH limits AS (
    -- Below the threshold something fails, leaks or wears out; a healthy charger reaches the target.
    SELECT
        0.85 AS threshold_ratio,
        0.90 AS target_ratio
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
        *,
        format('{:.4f}', efficiency_ratio)::DOUBLE AS shown_ratio
    FROM ratios
)

SELECT
    shown.vehicle_id,
    vehicles.external_id AS vehicle_external_id,
    meter_lists.meter_external_ids,
    shown.ac_kwh,
    shown.dc_kwh,
    shown.efficiency_ratio,
    shown.shown_ratio,
    CASE
        WHEN shown.ac_kwh IS NULL OR shown.dc_kwh IS NULL THEN 'no_readings'
        WHEN shown.ac_kwh <= 0 THEN 'no_ac'
        WHEN shown.is_shared THEN 'shared_meter'
        WHEN shown.shown_ratio > 1 THEN 'dc_exceeds_ac'
        WHEN shown.shown_ratio < limits.threshold_ratio THEN 'below_threshold'
        ELSE 'ok'
    END AS status,
    -- The same DC at this ratio would have taken DC / ratio from the grid; what was paid for beyond that is lost.
    CASE
        WHEN shown.efficiency_ratio IS NOT NULL
            THEN greatest(0, shown.ac_kwh - shown.dc_kwh / limits.threshold_ratio)
    END AS lost_against_threshold_kwh,
    CASE
        WHEN shown.efficiency_ratio IS NOT NULL
            THEN greatest(0, shown.ac_kwh - shown.dc_kwh / limits.target_ratio)
    END AS lost_against_target_kwh,
    shown.is_shared,
    shown.partly_mapped,
    shown.mapped_hours,
    shown.ac_reading_count,
    shown.dc_reading_count,
    shown.ac_coverage_ratio,
    shown.dc_coverage_ratio,
    shown.mean_battery_temp_celsius,
    shown.glitch_count,
    shown.dip_count,
    shown.jump_count,
    shown.rollover_count,
    shown.reset_count,
    shown.rebase_count,
    shown.gap_count
FROM shown
CROSS JOIN limits
INNER JOIN meter_lists
    ON shown.vehicle_id = meter_lists.vehicle_id
INNER JOIN vehicles
    ON shown.vehicle_id = vehicles.vehicle_id AND vehicles.day = getvariable('day')
