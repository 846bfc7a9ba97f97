-- Findings cost their energy at the price of the day, and the losses among them are those that the rule found, no more and no
-- less. Tolerance 1e-6 of the energy, for the order in which float64 values are added.
WITH told AS (
    SELECT
        count(*) AS finding_count,
        coalesce(sum(excess_kwh), 0) AS excess_kwh
    FROM findings
    WHERE day = getvariable('day') AND rule = 'R1'
),

found AS (
    SELECT
        count(*) AS finding_count,
        coalesce(sum(excess_kwh), 0) AS excess_kwh
    FROM loss_findings
    WHERE day = getvariable('day')
),

costs AS (
    SELECT
        coalesce(sum(cost), 0) AS cost,
        coalesce(sum(excess_kwh * price_per_kwh), 0) AS expected_cost
    FROM findings
    WHERE day = getvariable('day')
)

SELECT
    told.finding_count,
    found.finding_count AS found_count,
    told.excess_kwh,
    found.excess_kwh AS found_kwh,
    costs.cost,
    costs.expected_cost
FROM told
CROSS JOIN found
CROSS JOIN costs
WHERE
    told.finding_count <> found.finding_count
    OR abs(told.excess_kwh - found.excess_kwh) > 1e-6 * greatest(1, abs(found.excess_kwh))
    OR abs(costs.cost - costs.expected_cost) > 1e-6 * greatest(1, abs(costs.expected_cost))
