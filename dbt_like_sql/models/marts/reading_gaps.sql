-- Where a device fell silent and came back: readings are missing, their energy is not, it is booked when it returns.
SELECT
    gaps.kind,
    gaps.device_id,
    devices.external_id,
    gaps.before_ts AS gap_started_at,
    gaps.ts AS gap_ended_at,
    date_diff('microsecond', gaps.before_ts, gaps.ts) / 60e6 AS gap_minutes,
    ceil(date_diff('microsecond', gaps.before_ts, gaps.ts) / 1e6 / devices.expected_interval_s)::BIGINT - 1
        AS missing_reading_count,
    gaps.energy_kwh
FROM flagged_steps AS gaps
INNER JOIN devices
    ON gaps.kind = devices.kind AND gaps.device_id = devices.device_id AND devices.day = getvariable('day')
WHERE gaps.day = getvariable('day') AND gaps.flag = 'gap'
