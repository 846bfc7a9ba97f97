-- Held until the transaction ends; a first reading refers to its device, and must not wait for this.
SELECT *
FROM {devices}
WHERE external_id = %(external_id)s
FOR NO KEY UPDATE
