-- Of each device behind a number: what was booked for it, and what its register showed.
WITH hours AS (
    SELECT
        kind,
        device_id,
        count(*) AS hour_count,
        sum(energy_kwh) AS energy_kwh,
        sum(reading_count) AS reading_count
    FROM traced_hours
    GROUP BY kind, device_id
),

registers AS (
    SELECT
        kind,
        device_id,
        count(*) AS exported_count,
        min(ts) AS first_ts,
        arg_min(kwh, ts) AS first_kwh,
        max(ts) AS last_ts,
        arg_max(kwh, ts) AS last_kwh
    FROM traced_readings
    GROUP BY kind, device_id
),

-- The first of these steps begins at the reading before, which may lie before the day.
of_the_day AS (
    SELECT
        reading.kind,
        reading.device_id,
        max(reading.ts) AS ts,
        arg_max(reading.kwh, reading.ts) AS kwh
    FROM day_readings AS reading
    INNER JOIN registers
        ON
            reading.kind = registers.kind
            AND reading.device_id = registers.device_id
            AND reading.ts < registers.first_ts
    GROUP BY reading.kind, reading.device_id
)

SELECT
    device.kind,
    device.device_id,
    known.external_id,
    coalesce(hours.hour_count, 0) AS hour_count,
    hours.energy_kwh,
    coalesce(hours.reading_count, 0) AS reading_count,
    coalesce(registers.exported_count, 0) AS exported_count,
    coalesce(of_the_day.ts, boundary.ts) AS before_ts,
    coalesce(of_the_day.kwh, boundary.kwh) AS before_kwh,
    registers.first_ts,
    registers.first_kwh,
    registers.last_ts,
    registers.last_kwh
FROM (SELECT DISTINCT kind, device_id FROM traced_devices) AS device
INNER JOIN devices AS known USING (kind, device_id)
LEFT JOIN hours USING (kind, device_id)
LEFT JOIN registers USING (kind, device_id)
LEFT JOIN of_the_day USING (kind, device_id)
LEFT JOIN carried_samples AS boundary USING (kind, device_id)
ORDER BY abs(coalesce(hours.energy_kwh, 0)) DESC, device.kind ASC, device.device_id ASC
