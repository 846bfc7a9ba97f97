-- How many days the lake has, the first and the last of them.
SELECT
    count(DISTINCT day) AS days,
    min(day) AS first_day,
    max(day) AS last_day
FROM partition_ledger
WHERE state IN ('exported', 'dropped')
