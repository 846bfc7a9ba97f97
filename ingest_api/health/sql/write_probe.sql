-- 64 KiB in a table of this moment: on a full disk it cannot be extended, as no other can.
CREATE TEMPORARY TABLE fleetwatt_write_probe ON COMMIT DROP AS
SELECT number
FROM generate_series(1, 2000) AS number
