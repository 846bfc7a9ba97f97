DELETE FROM hourly_requests
WHERE ctid IN (SELECT ctid FROM hourly_requests ORDER BY kind, device_id LIMIT %(at_a_time)s)
RETURNING kind::text, device_id, since
