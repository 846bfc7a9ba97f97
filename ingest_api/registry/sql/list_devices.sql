SELECT
    latest.*,
    device.*,
    now.reporting,
    now.power_kw,
    {sort_key} AS sort_key,
    now.reporting = 'online' AND is_charging(now.power_kw, latest.ts - latest.step_from, device.resolution_kwh) AS charges
FROM {devices} AS device
LEFT JOIN {latest} AS latest USING ({device_id})
CROSS JOIN LATERAL (
    SELECT
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
) AS now
WHERE
    {chosen}
    AND (
        %(statuses)s::text[] IS NULL
        OR now.reporting = any(%(statuses)s::text[])
        OR (
            %(with_charging)s
            AND now.reporting = 'online'
            AND is_charging(now.power_kw, latest.ts - latest.step_from, device.resolution_kwh)
        )
    )
    AND (
        %(search)s::text IS NULL
        OR position(lower(%(search)s::text) IN lower(device.external_id)) > 0
        OR position(lower(%(search)s::text) IN lower(device.display_name)) > 0
    )
    AND (%(model)s::text IS NULL OR device.model = %(model)s::text)
    AND (%(site)s::text IS NULL OR device.site = %(site)s::text)
    AND (%(tag)s::text IS NULL OR %(tag)s::text = any(device.tags))
ORDER BY {ordered}
LIMIT %(limit)s
