SELECT greatest((SELECT max(day) FROM charging_sessions), (SELECT max(day) FROM meter_standby))
