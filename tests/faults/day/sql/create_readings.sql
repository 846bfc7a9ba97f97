-- Registers that grow evenly over both days; every tenth restarts about noon of the first.
INSERT INTO {readings} ({device_id}, ts, kwh)
SELECT
    device,
    %(starts_at)s + minute * INTERVAL '1 minute',
    CASE
        WHEN device %% 10 = 0 AND minute > 700 THEN round((minute - 700) * %(step_kwh)s::numeric, 6)
        ELSE round(10 * device + minute * %(step_kwh)s::numeric, 6)
    END
FROM generate_series(%(first)s::integer, %(last)s::integer) AS minute, generate_series(1, %(devices)s) AS device
