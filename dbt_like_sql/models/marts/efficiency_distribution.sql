-- How the day's ratios are spread, in bins of 0.05. Every bin has its row, empty or not, so that days lie over each
-- other in a chart and an empty bin reads as nobody and not as no data.
WITH bins AS (
    SELECT bins.bin
    FROM range(-1, 21) AS bins (bin)
),

-- Bins are cut at the shown ratio, in whole ten-thousandths: 0.85 * 20 need not be 17 in binary. So a vehicle that is
-- below the threshold is below 0.85 here too.
binned AS (
    SELECT
        ac_kwh,
        least(20, greatest(-1, floor(round(shown_ratio * 10000) / 500))) AS bin
    FROM daily_vehicle_efficiency
    WHERE day = getvariable('day') AND shown_ratio IS NOT NULL
)

SELECT
    bins.bin::INTEGER AS bin,
    CASE WHEN bins.bin >= 0 THEN bins.bin * 5 / 100 END AS from_ratio,
    CASE WHEN bins.bin < 20 THEN (bins.bin + 1) * 5 / 100 END AS to_ratio,
    count(binned.bin) AS vehicle_count,
    coalesce(sum(binned.ac_kwh), 0) AS ac_kwh
FROM bins
LEFT JOIN binned
    ON bins.bin = binned.bin
GROUP BY bins.bin
