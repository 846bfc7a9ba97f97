-- What was told before the period began.
SELECT DISTINCT finding_id
FROM findings
WHERE day < getvariable('first_day') AND state <> 'suspected'
ORDER BY finding_id
