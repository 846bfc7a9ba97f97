-- What of a vehicle's day only one side can have seen: registers that are read seldom book a step on one side of midnight
-- that flowed on the other. Steps are taken to be even.
WITH limits AS (
    SELECT
        0.90 AS target_ratio,
        getvariable('day')::TIMESTAMP AT TIME ZONE 'UTC' AS midnight
),

-- An hour's last reading is where the next step begins. A glitch begins none, and hours of glitches alone have no energy.
ended AS (
    SELECT
        kind,
        device_id,
        segment_from,
        hour,
        energy_kwh,
        carried_in_kwh,
        first_step_at,
        lead(CASE WHEN reading_count > glitch_count THEN first_step_at END IGNORE NULLS) OVER (
            PARTITION BY kind, device_id ORDER BY hour, segment_from
        ) AS next_step_at
    FROM hourly_energy
    WHERE day = getvariable('day')
),

-- The hours that count, and when each of them lay in time: from where its first step began to its last reading.
counted AS (
    SELECT
        mapped.vehicle_id,
        mapped.kind,
        energy.energy_kwh,
        energy.carried_in_kwh,
        energy.hour,
        energy.first_step_at,
        coalesce(energy.next_step_at, last_of_day.ts) AS ends_at
    FROM mapped_devices AS mapped
    INNER JOIN ended AS energy
        ON
            mapped.kind = energy.kind
            AND mapped.device_id = energy.device_id
            AND mapped.valid_from <= energy.segment_from
            AND (mapped.valid_to IS NULL OR mapped.valid_to > energy.segment_from)
    INNER JOIN device_last AS last_of_day
        ON mapped.kind = last_of_day.kind AND mapped.device_id = last_of_day.device_id
    WHERE
        mapped.day = getvariable('day')
        AND last_of_day.day = getvariable('day')
),

common_ends AS (
    SELECT
        vehicle_id,
        least(
            max(ends_at) FILTER (WHERE kind = 'meter'),
            max(ends_at) FILTER (WHERE kind = 'vehicle')
        ) AS ends_at
    FROM counted
    GROUP BY vehicle_id
),

alone AS (
    SELECT
        counted.vehicle_id,
        counted.kind,
        counted.first_step_at,
        CASE
            WHEN counted.first_step_at < limits.midnight
                THEN
                    counted.carried_in_kwh * date_diff('microsecond', counted.first_step_at, limits.midnight)
                    / date_diff('microsecond', counted.first_step_at, counted.hour)
            ELSE 0
        END AS before_day_kwh,
        CASE
            WHEN counted.ends_at > common_ends.ends_at AND counted.ends_at > counted.first_step_at
                THEN
                    counted.energy_kwh
                    * date_diff(
                        'microsecond', greatest(common_ends.ends_at, counted.first_step_at), counted.ends_at
                    )
                    / date_diff('microsecond', counted.first_step_at, counted.ends_at)
            ELSE 0
        END AS after_common_end_kwh
    FROM counted
    CROSS JOIN limits
    INNER JOIN common_ends
        ON counted.vehicle_id = common_ends.vehicle_id
)

-- DC is taken as the AC that a healthy charger makes it of: so the edges of a charge over both midnights cancel out.
SELECT
    alone.vehicle_id,
    min(alone.first_step_at) AS first_step_at,
    coalesce(sum(alone.before_day_kwh) FILTER (WHERE alone.kind = 'meter'), 0) AS ac_before_day_kwh,
    coalesce(sum(alone.before_day_kwh) FILTER (WHERE alone.kind = 'vehicle'), 0) AS dc_before_day_kwh,
    coalesce(sum(alone.after_common_end_kwh) FILTER (WHERE alone.kind = 'meter'), 0) AS ac_after_dc_kwh,
    coalesce(sum(alone.after_common_end_kwh) FILTER (WHERE alone.kind = 'vehicle'), 0) AS dc_after_ac_kwh,
    sum(
        (alone.before_day_kwh + alone.after_common_end_kwh)
        * CASE alone.kind WHEN 'meter' THEN 1 ELSE -1 / limits.target_ratio END
    ) AS surplus_kwh
FROM alone
CROSS JOIN limits
GROUP BY alone.vehicle_id
