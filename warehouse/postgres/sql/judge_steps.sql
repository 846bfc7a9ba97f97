-- The energy rule over the samples of one device: a row a sample, with what the step that ends at it books. Part of other
-- statements: they name the samples (ts, epoch_s, kwh, battery_temp_celsius), and the device's settings `segment`.
-- warehouse/contract/energy.py is the plain reference.
-- noqa: disable=RF01
WITH neighbours AS (
    SELECT
        *,
        lag(kwh) OVER by_time AS before_kwh,
        lead(kwh) OVER by_time AS next_kwh,
        lag(epoch_s) OVER by_time AS before_s,
        lead(epoch_s) OVER by_time AS next_s
    FROM samples
    WINDOW by_time AS (ORDER BY ts)
),

-- A corrupt row is out of reach of its predecessor, while its successor on the same day is within it.
judged AS (
    SELECT
        ts,
        epoch_s,
        kwh,
        battery_temp_celsius,
        coalesce(
            NOT register_reaches(before_kwh, kwh, epoch_s - before_s, segment.max_power_kw)
            AND segment.max_power_kw IS NOT NULL AND segment.energy_kind = 'counter'
            AND floor(epoch_s / 86400) = floor(next_s / 86400)
            AND register_reaches(before_kwh, next_kwh, next_s - before_s, segment.max_power_kw),
            FALSE
        ) AS is_glitch
    FROM neighbours
),

-- Partitioned by it, the corrupt rows are left out of each other's and everyone's neighbourhood.
kept AS (
    SELECT
        *,
        lag(kwh) OVER by_time AS before_kwh,
        epoch_s - lag(epoch_s) OVER by_time AS seconds
    FROM judged
    WINDOW by_time AS (PARTITION BY is_glitch ORDER BY ts)
),

steps AS (
    SELECT
        *,
        CASE
            WHEN is_glitch THEN 'glitch'
            WHEN segment.energy_kind = 'interval' THEN 'interval'
            WHEN before_kwh IS NULL THEN 'first'
            WHEN register_reaches(before_kwh, kwh, seconds, segment.max_power_kw)
                THEN CASE WHEN kwh < before_kwh THEN 'dip' ELSE 'growth' END
            WHEN kwh - before_kwh > register_cap_kwh(seconds, segment.max_power_kw) + 1e-6 THEN 'jump'
            WHEN before_kwh >= 0.9 * segment.rollover_kwh - 1e-6 AND kwh <= 0.1 * segment.rollover_kwh + 1e-6
                AND segment.rollover_kwh - before_kwh + kwh
                <= register_cap_kwh(seconds, segment.max_power_kw) + 1e-6 THEN 'rollover'
            WHEN kwh < 0.9 * before_kwh + 1e-6
                AND kwh <= register_cap_kwh(seconds, segment.max_power_kw) + 1e-6 THEN 'reset'
            ELSE 'rebase'
        END AS judgement
    FROM kept
)

SELECT
    ts,
    battery_temp_celsius,
    judgement,
    judgement NOT IN ('glitch', 'interval', 'first') AND seconds > 15 * segment.expected_interval_s AS is_gap,
    CASE
        WHEN judgement IN ('growth', 'dip') THEN kwh - before_kwh
        WHEN judgement IN ('interval', 'reset') THEN kwh
        WHEN judgement = 'rollover' THEN segment.rollover_kwh - before_kwh + kwh
        ELSE 0
    END AS energy_kwh
FROM steps
