SELECT *
FROM meter_standby
WHERE
    meter_id = %(meter_id)s
    AND day >= %(since)s::date
    AND day < least(%(until)s::date, %(before)s::date)
ORDER BY day DESC
LIMIT %(limit)s
