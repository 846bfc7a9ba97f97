-- The hours of meters, and those of vehicles, count as many readings as were exported, less those that people left out.
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

left_out AS (
    SELECT
        kind,
        count(*) AS left_out_count
    FROM corrected_readings
    WHERE day = getvariable('day') AND kwh IS NULL
    GROUP BY kind
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
    coalesce(left_out.left_out_count, 0) AS left_out_count,
    coalesce(counted.counted_count, 0) AS counted_count
FROM exported
LEFT JOIN left_out
    ON exported.kind = left_out.kind
LEFT JOIN counted
    ON exported.kind = counted.kind
WHERE exported.exported_count - coalesce(left_out.left_out_count, 0) <> coalesce(counted.counted_count, 0)
