-- The server's clock, and which server it is: a restored one keeps the number.
SELECT
    clock_timestamp() AS now,
    system_identifier::text AS system
FROM pg_control_system()
