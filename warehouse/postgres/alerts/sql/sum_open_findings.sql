-- What is unresolved and not called normal, and what the losses among it cost a month, by currency.
SELECT
    currency,
    count(*) AS findings,
    sum(cost_per_month) FILTER (WHERE kind = 'loss') AS cost_per_month,
    sum(kwh_per_month) FILTER (WHERE kind = 'loss') AS kwh_per_month
FROM findings
WHERE state IN ('open', 'acknowledged', 'snoozed')
GROUP BY currency
ORDER BY currency
