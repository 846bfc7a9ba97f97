DELETE FROM daily_vehicle_efficiency
WHERE day <= %(day)s
