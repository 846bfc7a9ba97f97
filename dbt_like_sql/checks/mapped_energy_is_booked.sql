-- A vehicle that one mapping holds for the whole day has all the DC it took and all the AC its meter counted.
-- Independent of how hours and segments are joined: both figures are sums over the day. Tolerance 1e-6 kWh for the order
-- in which float64 values are added.
WITH whole_day AS (
    SELECT
        vehicle_id,
        kind,
        device_id
    FROM mapped_devices
    WHERE
        day = getvariable('day')
        AND valid_from <= getvariable('day')::TIMESTAMP AT TIME ZONE 'UTC'
        AND (valid_to IS NULL OR valid_to >= (getvariable('day') + 1)::TIMESTAMP AT TIME ZONE 'UTC')
),

booked AS (
    SELECT
        whole_day.vehicle_id,
        whole_day.kind,
        coalesce(sum(energy.energy_kwh), 0) AS booked_kwh
    FROM whole_day
    LEFT JOIN hourly_energy AS energy
        ON
            whole_day.kind = energy.kind
            AND whole_day.device_id = energy.device_id
            AND energy.day = getvariable('day')
    GROUP BY whole_day.vehicle_id, whole_day.kind
),

counted AS (
    SELECT
        vehicle_id,
        coalesce(sum(ac_kwh), 0) AS ac_kwh,
        coalesce(sum(dc_kwh), 0) AS dc_kwh
    FROM hourly_vehicle_efficiency
    WHERE day = getvariable('day')
    GROUP BY vehicle_id
)

SELECT
    booked.vehicle_id,
    booked.kind,
    booked.booked_kwh,
    CASE booked.kind WHEN 'meter' THEN counted.ac_kwh ELSE counted.dc_kwh END AS counted_kwh
FROM booked
LEFT JOIN counted
    ON booked.vehicle_id = counted.vehicle_id
WHERE
    coalesce(
        abs(booked.booked_kwh - CASE booked.kind WHEN 'meter' THEN counted.ac_kwh ELSE counted.dc_kwh END) > 1e-6,
        TRUE
    )
