INSERT INTO forgotten_energy AS known (day, kind, energy_kwh, device_count)
SELECT
    day,
    %(kind)s::device_kind,
    energy_kwh,
    1
FROM unnest(%(days)s::date[], %(energies_kwh)s::double precision[]) AS lost (day, energy_kwh)
ON CONFLICT (day, kind) DO UPDATE SET
    energy_kwh = known.energy_kwh + excluded.energy_kwh,
    device_count = known.device_count + 1
