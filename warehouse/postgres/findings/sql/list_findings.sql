-- A page behind a place in the order; what is not known is less than anything. What is equal is sorted by kWh a month. The least
-- cost is compared with what is shown, which has two digits.
WITH found AS (
    SELECT
        finding.*,
        vehicle.external_id AS vehicle_external_id,
        meter.external_id AS meter_external_id,
        CASE WHEN finding.snoozed_until <= %(now)s THEN 'open' ELSE finding.state END AS current_state,
        coalesce(
            CASE %(sort)s::text
                WHEN 'cost' THEN finding.cost
                WHEN 'kwh_per_month' THEN finding.kwh_per_month
                WHEN 'points' THEN finding.points
                WHEN 'severity' THEN array_position(ARRAY['info', 'warning', 'critical'], finding.severity)
                WHEN 'opened_on' THEN finding.opened_on - '1970-01-01'::date
                ELSE finding.cost_per_month
            END,
            '-infinity'::double precision
        ) AS sort_key,
        coalesce(finding.kwh_per_month, '-infinity'::double precision) AS second_key
    FROM findings AS finding
    LEFT JOIN vehicles AS vehicle ON finding.vehicle_id = vehicle.vehicle_id
    LEFT JOIN meters AS meter ON finding.meter_id = meter.meter_id
)

SELECT *
FROM found
WHERE
    (%(states)s::text[] IS NULL OR current_state = any(%(states)s::text[]))
    AND (%(rules)s::text[] IS NULL OR rule = any(%(rules)s::text[]))
    AND (%(severities)s::text[] IS NULL OR severity = any(%(severities)s::text[]))
    AND (%(kinds)s::text[] IS NULL OR kind = any(%(kinds)s::text[]))
    AND (%(subject)s::text IS NULL OR %(subject)s::text IN (vehicle_external_id, meter_external_id))
    AND (%(min_cost_per_month)s::numeric IS NULL OR round(cost_per_month::numeric, 2) >= %(min_cost_per_month)s::numeric)
    AND (%(since)s::date IS NULL OR opened_on >= %(since)s::date)
    AND (
        %(after_key)s::double precision IS NULL
        OR (sort_key, second_key, finding_id)
        < (%(after_key)s::double precision, %(after_second_key)s::double precision, %(after_id)s::uuid)
    )
ORDER BY sort_key DESC, second_key DESC, finding_id DESC
LIMIT %(limit)s
