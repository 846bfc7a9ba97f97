-- The energy rule over the samples of one device: a row a sample, with what the step that ends at it is and what it books.
-- Part of other statements: they name the samples (ts, epoch_s, kwh, battery_temp_celsius), and the device's settings
-- `segment`. warehouse/contract/energy.py is the plain reference; its constants are set in, and the limits register_reaches
-- and register_cap_kwh are held to them. Runs are looked for as far as LONGEST_RUN says.
-- noqa: disable=RF01
WITH neighbours AS (
    SELECT
        *,
        lag(kwh) OVER by_time AS before_kwh,
        lead(kwh) OVER by_time AS next_kwh,
        lead(kwh, 2) OVER by_time AS second_kwh,
        lead(kwh, 3) OVER by_time AS third_kwh,
        lag(epoch_s) OVER by_time AS before_s,
        lead(epoch_s) OVER by_time AS next_s,
        lead(epoch_s, 2) OVER by_time AS second_s,
        lead(epoch_s, 3) OVER by_time AS third_s
    FROM samples
    WINDOW by_time AS (ORDER BY ts)
),

-- How many samples from here on are the shortest run of corrupt rows of one value: they are out of reach of their
-- predecessor, while the sample after them, on the same day, is within it. Most samples are within reach.
runs AS (
    SELECT
        ts,
        epoch_s,
        kwh,
        battery_temp_celsius,
        CASE
            WHEN coalesce(register_reaches(before_kwh, kwh, epoch_s - before_s, segment.max_power_kw), TRUE) THEN 0
            WHEN segment.max_power_kw IS NULL OR segment.energy_kind <> 'counter' THEN 0
            WHEN floor(epoch_s / 86400) = floor(next_s / 86400)
                AND register_reaches(before_kwh, next_kwh, next_s - before_s, segment.max_power_kw) THEN 1
            WHEN next_kwh = kwh AND floor(epoch_s / 86400) = floor(second_s / 86400)
                AND register_reaches(before_kwh, second_kwh, second_s - before_s, segment.max_power_kw) THEN 2
            WHEN next_kwh = kwh AND second_kwh = kwh AND floor(epoch_s / 86400) = floor(third_s / 86400)
                AND register_reaches(before_kwh, third_kwh, third_s - before_s, segment.max_power_kw) THEN 3
            ELSE 0
        END AS run
    FROM neighbours
),

marked AS (
    SELECT
        *,
        run >= 1 OR lag(run, 1, 0) OVER by_time >= 2 OR lag(run, 2, 0) OVER by_time >= 3 AS is_glitch
    FROM runs
    WINDOW by_time AS (ORDER BY ts)
),

-- Partitioned by it, the corrupt rows are left out of each other's and everyone's neighbourhood.
kept AS (
    SELECT
        *,
        lag(kwh) OVER by_time AS before_kwh,
        epoch_s - lag(epoch_s) OVER by_time AS seconds
    FROM marked
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
            WHEN kwh - before_kwh > register_cap_kwh(seconds, segment.max_power_kw) + {tolerance_kwh} THEN 'jump'
            WHEN before_kwh >= {rolls_over_from} * segment.rollover_kwh - {tolerance_kwh}
                AND before_kwh <= segment.rollover_kwh + {tolerance_kwh}
                AND kwh <= {rolls_over_to} * segment.rollover_kwh + {tolerance_kwh}
                AND segment.rollover_kwh - before_kwh + kwh
                <= register_cap_kwh(seconds, segment.max_power_kw) + {tolerance_kwh} THEN 'rollover'
            -- `least` passes over a limit that is null.
            WHEN kwh < {restarts_below} * before_kwh + {tolerance_kwh}
                AND kwh <= least(register_cap_kwh(seconds, segment.max_power_kw), segment.max_reset_kwh) + {tolerance_kwh}
                THEN 'reset'
            ELSE 'rebase'
        END AS step_class
    FROM kept
)

SELECT
    ts,
    battery_temp_celsius,
    step_class,
    step_class NOT IN ('glitch', 'interval', 'first') AND seconds > {gap_intervals} * segment.expected_interval_s AS is_gap,
    CASE
        WHEN step_class IN ('growth', 'dip') THEN kwh - before_kwh
        WHEN step_class IN ('interval', 'reset') THEN kwh
        -- Within the tolerance it could be less than nothing.
        WHEN step_class = 'rollover' THEN greatest(segment.rollover_kwh - before_kwh + kwh, 0)
        ELSE 0
    END AS energy_kwh
FROM steps
