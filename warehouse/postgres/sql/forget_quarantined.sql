DELETE FROM quarantined_readings
WHERE last_seen_at < clock_timestamp() - make_interval(days => %(days)s)
