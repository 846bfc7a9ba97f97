SELECT
    vehicle_id, external_id, energy_kind, max_power_kw, resolution_kwh, rollover_kwh, max_reset_kwh, expected_interval_s, model,
    display_name
FROM vehicles
