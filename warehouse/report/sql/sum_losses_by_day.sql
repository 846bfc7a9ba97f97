-- What the losses that were open on a day lose and cost in a month.
SELECT
    day,
    count(*) AS finding_count,
    sum(kwh_per_month) AS kwh_per_month,
    sum(cost_per_month) AS cost_per_month,
    max(currency) AS currency
FROM findings
WHERE kind = 'loss' AND state = 'open'
GROUP BY day
ORDER BY day
