SELECT max(day) FROM daily_vehicle_efficiency
