-- Silences that ended in the period, by device, the longest first.
SELECT
    gaps.kind,
    gaps.device_id,
    max(gaps.external_id) AS external_id,
    max(coalesce(meters.display_name, vehicles.display_name)) AS display_name,
    count(*) AS gap_count,
    sum(gaps.gap_minutes) AS gap_minutes,
    max(gaps.gap_ended_at) AS last_ended_at,
    sum(gaps.energy_kwh) AS energy_kwh
FROM reading_gaps AS gaps
LEFT JOIN meters
    ON gaps.kind = 'meter' AND gaps.device_id = meters.meter_id AND meters.day = getvariable('day')
LEFT JOIN vehicles
    ON gaps.kind = 'vehicle' AND gaps.device_id = vehicles.vehicle_id AND vehicles.day = getvariable('day')
WHERE gaps.day BETWEEN getvariable('first_day') AND getvariable('day')
GROUP BY gaps.kind, gaps.device_id
ORDER BY gap_minutes DESC, gaps.kind ASC, gaps.device_id ASC
