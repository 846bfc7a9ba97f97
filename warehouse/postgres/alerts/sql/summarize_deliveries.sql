-- What is on its way and what was given up, by channel, with what the newest attempt of each brought.
SELECT
    channel,
    count(*) FILTER (WHERE state = 'waiting') AS waiting,
    count(*) FILTER (WHERE state = 'dead') AS dead,
    min(created_at) AS oldest_at,
    (array_agg(said ORDER BY attempts = 0, delivery_id DESC))[1] AS said
FROM alert_deliveries
WHERE state IN ('waiting', 'dead')
GROUP BY channel
ORDER BY channel
