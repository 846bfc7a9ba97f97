-- The hours of meters, and those of vehicles, count as many readings as were exported.
WITH exported AS (
    SELECT
        'meter' AS kind,
        count(*) AS exported_count
    FROM meter_readings
    WHERE day = getvariable('day')
    UNION ALL
    SELECT
        'vehicle' AS kind,
        count(*) AS exported_count
    FROM vehicle_readings
    WHERE day = getvariable('day')
),

counted AS (
    SELECT
        kind,
        sum(reading_count) AS counted_count
    FROM hourly_energy
    WHERE day = getvariable('day')
    GROUP BY kind
)

SELECT
    exported.kind,
    exported.exported_count,
    coalesce(counted.counted_count, 0) AS counted_count
FROM exported
LEFT JOIN counted
    ON exported.kind = counted.kind
WHERE exported.exported_count <> coalesce(counted.counted_count, 0)
