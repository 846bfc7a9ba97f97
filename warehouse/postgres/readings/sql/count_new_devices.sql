-- Of the last hour, by the token that registered them.
SELECT
    registered_by,
    count(*) AS new_devices
FROM (
    SELECT registered_by
    FROM meters
    WHERE registered_at > clock_timestamp() - interval '1 hour'
    UNION ALL
    SELECT registered_by
    FROM vehicles
    WHERE registered_at > clock_timestamp() - interval '1 hour'
) AS new
GROUP BY registered_by
