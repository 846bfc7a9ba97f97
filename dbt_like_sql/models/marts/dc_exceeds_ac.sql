-- Vehicles that took more than their meter gave: one of the two registers is wrong, or the mapping is. A register that
-- shows steps of its resolution may be off by one of them, so a surplus within both resolutions is no proof.
WITH registers AS (
    SELECT DISTINCT
        mapped.vehicle_id,
        devices.kind,
        devices.device_id,
        devices.resolution_kwh
    FROM mapped_devices AS mapped
    INNER JOIN devices
        ON mapped.kind = devices.kind AND mapped.device_id = devices.device_id
    WHERE mapped.day = getvariable('day') AND devices.day = getvariable('day')
),

uncertainties AS (
    SELECT
        vehicle_id,
        -- A sum passes over an unknown resolution, and then says too little: it is unknown too.
        CASE WHEN count(*) = count(resolution_kwh) THEN sum(resolution_kwh) END AS uncertainty_kwh
    FROM registers
    GROUP BY vehicle_id
)

SELECT
    daily.vehicle_id,
    daily.vehicle_external_id,
    daily.meter_external_ids,
    'dc_exceeds_ac' AS rule,
    1 AS rule_version,
    CASE WHEN daily.dc_kwh - daily.ac_kwh > uncertainties.uncertainty_kwh THEN 'warning' ELSE 'info' END AS severity,
    daily.ac_kwh,
    daily.dc_kwh,
    daily.efficiency_ratio,
    daily.dc_kwh - daily.ac_kwh AS surplus_kwh,
    uncertainties.uncertainty_kwh,
    daily.ac_coverage_ratio,
    daily.dc_coverage_ratio,
    daily.partly_mapped
FROM daily_vehicle_efficiency AS daily
INNER JOIN uncertainties
    ON daily.vehicle_id = uncertainties.vehicle_id
WHERE daily.day = getvariable('day') AND daily.status = 'dc_exceeds_ac' AND NOT daily.coarse_edge
