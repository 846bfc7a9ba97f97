DELETE FROM meter_standby
WHERE day = %(day)s
