-- Meters and vehicles in one list, so that what names a device by (kind, device_id) finds it in one place.
SELECT
    'meter' AS kind,
    meter_id AS device_id,
    external_id,
    display_name,
    model,
    energy_kind,
    resolution_kwh,
    expected_interval_s
FROM meters
WHERE day = getvariable('day')
UNION ALL
SELECT
    'vehicle' AS kind,
    vehicle_id AS device_id,
    external_id,
    display_name,
    model,
    energy_kind,
    resolution_kwh,
    expected_interval_s
FROM vehicles
WHERE day = getvariable('day')
