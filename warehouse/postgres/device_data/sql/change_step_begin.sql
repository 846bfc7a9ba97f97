-- A device's current state tells nothing any more of a reading before an instant.
UPDATE {latest}
SET step_from = NULL, step_from_kwh = NULL
WHERE {device_id} = %(device_id)s AND step_from < %(before)s
