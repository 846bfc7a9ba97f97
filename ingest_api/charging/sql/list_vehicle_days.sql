SELECT *
FROM daily_vehicle_efficiency
WHERE
    vehicle_id = %(vehicle_id)s
    AND day >= %(since)s::date
    AND day < %(before)s::date
ORDER BY day DESC
LIMIT %(limit)s
