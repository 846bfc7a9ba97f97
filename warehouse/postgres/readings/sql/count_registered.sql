SELECT (SELECT count(*) FROM meters) + (SELECT count(*) FROM vehicles) AS devices
