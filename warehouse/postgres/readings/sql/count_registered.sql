SELECT
    (SELECT count(*) FROM meters) + (SELECT count(*) FROM vehicles) AS devices,
    (SELECT count(*) FROM meters WHERE registered_at > clock_timestamp() - interval '1 hour')
    + (SELECT count(*) FROM vehicles WHERE registered_at > clock_timestamp() - interval '1 hour') AS new_devices
