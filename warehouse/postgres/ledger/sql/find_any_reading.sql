SELECT
    EXISTS (SELECT FROM meter_readings WHERE ts >= %(starts_at)s AND ts < %(ends_at)s)
    OR EXISTS (SELECT FROM vehicle_readings WHERE ts >= %(starts_at)s AND ts < %(ends_at)s) AS has_readings
