-- The vehicle, and each of its mappings in the window, cut to it; one row with a null meter where there is none.
-- Each row also names the first day of the window whose readings are no longer kept, if there is one, and has the
-- findings of the vehicle and of the row's meter that nobody has settled.
SELECT
    vehicle.vehicle_id,
    vehicle.energy_kind AS vehicle_energy_kind,
    vehicle.max_power_kw AS vehicle_max_power_kw,
    vehicle.rollover_kwh AS vehicle_rollover_kwh,
    vehicle.max_reset_kwh AS vehicle_max_reset_kwh,
    vehicle.expected_interval_s AS vehicle_expected_interval_s,
    vehicle.corrected_until AS vehicle_corrected_until,
    meter.meter_id,
    meter.external_id AS meter_external_id,
    meter.energy_kind AS meter_energy_kind,
    meter.max_power_kw AS meter_max_power_kw,
    meter.rollover_kwh AS meter_rollover_kwh,
    meter.max_reset_kwh AS meter_max_reset_kwh,
    meter.expected_interval_s AS meter_expected_interval_s,
    meter.corrected_until AS meter_corrected_until,
    greatest(mapping.valid_from, %(window_from)s) AS counts_from,
    least(mapping.valid_to, %(window_to)s) AS counts_to,
    exists(
        SELECT FROM vehicle_meter_map AS other
        WHERE
            other.meter_id = mapping.meter_id
            AND other.vehicle_id <> mapping.vehicle_id
            AND other.valid_from < least(mapping.valid_to, %(window_to)s)
            AND coalesce(other.valid_to > greatest(mapping.valid_from, %(window_from)s), TRUE)
    ) AS is_shared,
    (
        SELECT min(ledger.day)
        FROM partition_ledger AS ledger
        WHERE ledger.state = 'dropped' AND ledger.day BETWEEN %(first_day)s AND %(last_day)s
    ) AS dropped_day,
    (
        SELECT
            jsonb_agg(
                jsonb_build_object(
                    'finding_id', finding.finding_id,
                    'rule', finding.rule,
                    'severity', finding.severity,
                    'current_state', CASE WHEN finding.snoozed_until <= now() THEN 'open' ELSE finding.state END,
                    'subject', finding.subject,
                    'subject_kind', finding.subject_kind,
                    'vehicle_external_id', its_vehicle.external_id,
                    'meter_external_id', its_meter.external_id,
                    'cost_per_month', finding.cost_per_month
                )
            )
        FROM findings AS finding
        LEFT JOIN vehicles AS its_vehicle ON finding.vehicle_id = its_vehicle.vehicle_id
        LEFT JOIN meters AS its_meter ON finding.meter_id = its_meter.meter_id
        WHERE
            finding.state IN ('open', 'acknowledged', 'snoozed')
            AND (
                (finding.vehicle_id = vehicle.vehicle_id AND finding.subject_kind <> 'meter')
                OR (finding.meter_id = mapping.meter_id AND finding.subject_kind <> 'vehicle')
            )
    ) AS findings
FROM vehicles AS vehicle
LEFT JOIN vehicle_meter_map AS mapping
    ON
        vehicle.vehicle_id = mapping.vehicle_id
        AND mapping.valid_from < %(window_to)s
        AND coalesce(mapping.valid_to > %(window_from)s, TRUE)
LEFT JOIN meters AS meter USING (meter_id)
WHERE vehicle.external_id = %(vehicle_id)s
ORDER BY counts_from
