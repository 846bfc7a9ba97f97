SELECT day
FROM forgetting_days
WHERE forgetting_id = %(forgetting_id)s AND (made_at IS NULL OR %(made_too)s)
ORDER BY day
