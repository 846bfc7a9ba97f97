-- The readings of the day as they count.
CREATE TEMPORARY VIEW day_readings AS
SELECT
    received.kind,
    received.device_id,
    received.ts,
    coalesce(corrected.kwh, received.kwh) AS kwh
FROM received_readings AS received
LEFT JOIN corrected_readings AS corrected
    ON
        received.kind = corrected.kind
        AND received.device_id = corrected.device_id
        AND received.ts = corrected.ts
WHERE corrected.correction_id IS NULL OR corrected.kwh IS NOT NULL
