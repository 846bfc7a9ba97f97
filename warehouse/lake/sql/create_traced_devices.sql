-- The devices behind a number, since when and until when they have a part in it: the one that its row names, within its
-- segment if it has one, or those that were mapped to its vehicle or to its meter, or all.
CREATE TEMPORARY TABLE traced_devices AS
WITH mapped AS (
    SELECT
        mapping_id,
        kind,
        device_id,
        vehicle_id,
        valid_from,
        coalesce(valid_to, 'infinity') AS valid_to
    FROM mapped_devices
),

named AS (
    SELECT
        getvariable('kind') AS kind,
        getvariable('device_id') AS device_id,
        getvariable('vehicle_id') AS vehicle_id,
        getvariable('meter_id') AS meter_id,
        getvariable('segment_from')::timestamptz AS segment_from
)

SELECT
    named.kind,
    named.device_id,
    coalesce(named.segment_from, '-infinity') AS valid_from,
    coalesce(
        (
            SELECT min(energy.segment_from)
            FROM hourly_energy AS energy
            WHERE
                energy.kind = named.kind
                AND energy.device_id = named.device_id
                AND energy.segment_from > named.segment_from
        ),
        'infinity'
    ) AS valid_to
FROM named
WHERE named.device_id IS NOT NULL
UNION ALL
SELECT mapped.kind, mapped.device_id, mapped.valid_from, mapped.valid_to
FROM mapped
INNER JOIN named ON mapped.vehicle_id = named.vehicle_id AND named.device_id IS NULL
UNION ALL
SELECT mapped.kind, mapped.device_id, mapped.valid_from, mapped.valid_to
FROM mapped
INNER JOIN mapped AS own ON mapped.mapping_id = own.mapping_id AND own.kind = 'meter'
INNER JOIN named ON own.device_id = named.meter_id AND coalesce(named.vehicle_id, named.device_id) IS NULL
UNION ALL
SELECT DISTINCT energy.kind, energy.device_id, '-infinity'::timestamptz AS valid_from, 'infinity'::timestamptz AS valid_to
FROM hourly_energy AS energy
INNER JOIN named ON coalesce(named.device_id, named.vehicle_id, named.meter_id) IS NULL
