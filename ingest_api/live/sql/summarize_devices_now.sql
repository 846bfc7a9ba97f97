-- What the devices of one kind do now, told from their current state alone.
WITH now_of_each AS (
    SELECT
        latest.ts,
        latest.step_from,
        device.resolution_kwh,
        device_reporting(latest.ts, device.expected_interval_s, %(seen_at)s) AS reporting,
        step_power_kw(
            device.energy_kind,
            latest.step_from,
            latest.step_from_kwh,
            latest.ts,
            latest.kwh,
            device.expected_interval_s,
            device.max_power_kw
        ) AS power_kw
    FROM {devices} AS device
    LEFT JOIN {latest} AS latest USING ({device_id})
)

SELECT
    count(*) FILTER (WHERE reporting = 'online') AS online,
    count(*) FILTER (WHERE reporting = 'stale') AS stale,
    count(*) FILTER (WHERE reporting = 'offline') AS offline,
    count(*) FILTER (WHERE reporting = 'unseen') AS unseen,
    count(*) FILTER (WHERE reporting = 'online' AND is_charging(power_kw, ts - step_from, resolution_kwh)) AS charging,
    sum(power_kw) FILTER (WHERE reporting = 'online') AS power_kw,
    max(ts) AS newest_ts
FROM now_of_each
