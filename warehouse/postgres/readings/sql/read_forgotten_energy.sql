SELECT
    kind::text AS kind,
    energy_kwh,
    device_count
FROM forgotten_energy
WHERE day = %(day)s::date
