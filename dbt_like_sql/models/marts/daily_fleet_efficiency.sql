-- The day in one row, for whoever pays the bill: what was metered, what reached the batteries, what was lost.
WITH metered AS (
    SELECT
        coalesce(sum(energy_kwh) FILTER (WHERE kind = 'meter'), 0) AS metered_ac_kwh,
        coalesce(sum(energy_kwh) FILTER (WHERE kind = 'vehicle'), 0) AS delivered_dc_kwh
    FROM hourly_energy
    WHERE day = getvariable('day')
),

-- What was metered and delivered stays what it was when devices are forgotten; whose it was is not known any more.
forgotten AS (
    SELECT
        coalesce(sum(energy_kwh) FILTER (WHERE kind = 'meter'), 0) AS forgotten_ac_kwh,
        coalesce(sum(energy_kwh) FILTER (WHERE kind = 'vehicle'), 0) AS forgotten_dc_kwh
    FROM forgotten_energy
    WHERE day = getvariable('day')
),

-- Energy that no vehicle answers for: a meter that feeds nothing we know of, or a mapping that nobody entered.
unmapped AS (
    SELECT
        coalesce(sum(energy.energy_kwh) FILTER (WHERE energy.kind = 'meter'), 0) AS unmapped_ac_kwh,
        coalesce(sum(energy.energy_kwh) FILTER (WHERE energy.kind = 'vehicle'), 0) AS unmapped_dc_kwh
    FROM hourly_energy AS energy
    ANTI JOIN mapped_devices AS mapped
        ON
            energy.kind = mapped.kind
            AND energy.device_id = mapped.device_id
            AND mapped.day = getvariable('day')
            AND energy.segment_from >= mapped.valid_from
            AND (mapped.valid_to IS NULL OR energy.segment_from < mapped.valid_to)
    WHERE energy.day = getvariable('day')
),

vehicles_of_day AS (
    SELECT
        count(*) AS vehicle_count,
        count(efficiency_ratio) AS counted_vehicle_count,
        sum(ac_kwh) FILTER (WHERE efficiency_ratio IS NOT NULL) AS ac_kwh,
        sum(dc_kwh) FILTER (WHERE efficiency_ratio IS NOT NULL) AS dc_kwh,
        coalesce(sum(lost_against_target_kwh), 0) AS lost_against_target_kwh,
        coalesce(sum(lost_against_threshold_kwh), 0) AS lost_against_threshold_kwh,
        coalesce(sum(standby_kwh), 0) AS standby_kwh,
        count(*) FILTER (WHERE coarse_edge) AS coarse_edge_count,
        count(*) FILTER (WHERE status = 'ok') AS ok_count,
        count(*) FILTER (WHERE status = 'below_threshold') AS below_threshold_count,
        count(*) FILTER (WHERE status = 'low_energy') AS low_energy_count,
        count(*) FILTER (WHERE status = 'dc_exceeds_ac') AS dc_exceeds_ac_count,
        count(*) FILTER (WHERE status = 'shared_meter') AS shared_meter_count,
        count(*) FILTER (WHERE status = 'no_ac') AS no_ac_count,
        count(*) FILTER (WHERE status = 'no_readings') AS no_readings_count
    FROM daily_vehicle_efficiency
    WHERE day = getvariable('day')
)

SELECT
    metered.metered_ac_kwh + forgotten.forgotten_ac_kwh AS metered_ac_kwh,
    metered.delivered_dc_kwh + forgotten.forgotten_dc_kwh AS delivered_dc_kwh,
    unmapped.unmapped_ac_kwh,
    unmapped.unmapped_dc_kwh,
    forgotten.forgotten_ac_kwh,
    forgotten.forgotten_dc_kwh,
    vehicles_of_day.vehicle_count,
    vehicles_of_day.counted_vehicle_count,
    vehicles_of_day.ac_kwh,
    vehicles_of_day.dc_kwh,
    vehicles_of_day.dc_kwh / vehicles_of_day.ac_kwh AS efficiency_ratio,
    vehicles_of_day.ac_kwh - vehicles_of_day.dc_kwh AS lost_kwh,
    vehicles_of_day.lost_against_target_kwh,
    vehicles_of_day.lost_against_threshold_kwh,
    vehicles_of_day.standby_kwh,
    vehicles_of_day.coarse_edge_count,
    vehicles_of_day.ok_count,
    vehicles_of_day.below_threshold_count,
    vehicles_of_day.low_energy_count,
    vehicles_of_day.dc_exceeds_ac_count,
    vehicles_of_day.shared_meter_count,
    vehicles_of_day.no_ac_count,
    vehicles_of_day.no_readings_count
FROM metered
CROSS JOIN forgotten
CROSS JOIN unmapped
CROSS JOIN vehicles_of_day
