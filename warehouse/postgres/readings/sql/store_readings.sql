-- One batch, one transaction, one trip to the disk: history, current state and the count of late rows of both streams.
-- Rows come sorted by (device, ts), so that two writers take their locks in the same order and never deadlock.
WITH meters_stored AS (
    INSERT INTO meter_readings (meter_id, ts, kwh, voltage_volts)
    SELECT meter_id, ts, kwh, nullif(voltage_volts, 'NaN')
    FROM unnest(%(meter_ids)s, %(meter_ts)s, %(meter_kwh)s, %(meter_volts)s)
        AS batch (meter_id, ts, kwh, voltage_volts)
    {on_conflict}
    RETURNING meter_id, ts, kwh, voltage_volts
),

vehicles_stored AS (
    INSERT INTO vehicle_readings (vehicle_id, ts, kwh, soc_percent, battery_temp_celsius)
    SELECT vehicle_id, ts, kwh, nullif(soc_percent, 'NaN'), nullif(battery_temp_celsius, 'NaN')
    FROM unnest(%(vehicle_ids)s, %(vehicle_ts)s, %(vehicle_kwh)s, %(vehicle_soc)s, %(vehicle_temp)s)
        AS batch (vehicle_id, ts, kwh, soc_percent, battery_temp_celsius)
    {on_conflict}
    RETURNING vehicle_id, ts, kwh, soc_percent, battery_temp_celsius
),

-- The newest reading of each device becomes its current state, unless a newer one already is: never back in time.
meters_latest AS (
    INSERT INTO meter_latest AS latest (meter_id, ts, kwh, voltage_volts, received_at)
    SELECT DISTINCT ON (meter_id) meter_id, ts, kwh, voltage_volts, clock_timestamp()
    FROM meters_stored
    ORDER BY meter_id ASC, ts DESC
    ON CONFLICT (meter_id) DO UPDATE SET
        ts = excluded.ts,
        kwh = excluded.kwh,
        step_from = latest.ts,
        step_from_kwh = latest.kwh,
        voltage_volts = excluded.voltage_volts,
        received_at = excluded.received_at
    WHERE latest.ts < excluded.ts
),

vehicles_latest AS (
    INSERT INTO vehicle_latest AS latest (vehicle_id, ts, kwh, soc_percent, battery_temp_celsius, received_at)
    SELECT DISTINCT ON (vehicle_id) vehicle_id, ts, kwh, soc_percent, battery_temp_celsius, clock_timestamp()
    FROM vehicles_stored
    ORDER BY vehicle_id ASC, ts DESC
    ON CONFLICT (vehicle_id) DO UPDATE SET
        ts = excluded.ts,
        kwh = excluded.kwh,
        step_from = latest.ts,
        step_from_kwh = latest.kwh,
        soc_percent = excluded.soc_percent,
        battery_temp_celsius = excluded.battery_temp_celsius,
        received_at = excluded.received_at
    WHERE latest.ts < excluded.ts
),

stored_by_day AS (
    SELECT 'meter_readings' AS stream, (ts AT TIME ZONE 'UTC')::date AS day, count(*) AS row_count
    FROM meters_stored
    GROUP BY 2
    UNION ALL
    SELECT 'vehicle_readings', (ts AT TIME ZONE 'UTC')::date, count(*)
    FROM vehicles_stored
    GROUP BY 2
),

-- The database's clock decides what is late, and the count commits with the rows that it counts.
counted_late AS (
    INSERT INTO late_rows (stream, day, row_count, is_imported)
    SELECT stored.stream, stored.day, stored.row_count, %(is_import)s
    FROM stored_by_day AS stored
    INNER JOIN partition_ledger AS ledger USING (stream, day)
    WHERE %(is_import)s OR ledger.late_after <= clock_timestamp()
)

SELECT 'meter' AS kind, meter_id AS device_id, ts
FROM meters_stored
WHERE %(report_stored)s
UNION ALL
SELECT 'vehicle', vehicle_id, ts
FROM vehicles_stored
WHERE %(report_stored)s
