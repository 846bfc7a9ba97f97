INSERT INTO forgetting_days (forgetting_id, day)
SELECT
    %(forgetting_id)s,
    day
FROM unnest(%(days)s::date[]) AS day
ON CONFLICT (forgetting_id, day) DO UPDATE SET made_at = NULL
