-- In the order of their ids, so that two requests that provision the same fleet wait and do not deadlock. NO KEY: a
-- first reading refers to its vehicle, and must not wait for this.
SELECT vehicle_id
FROM vehicles
WHERE external_id = any(%(vehicle_ids)s::text[])
ORDER BY vehicle_id
FOR NO KEY UPDATE
