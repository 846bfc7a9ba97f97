INSERT INTO pipeline_status (stopped) VALUES (%(stopped)s)
ON CONFLICT (only_row) DO UPDATE SET stopped = excluded.stopped, changed_at = now()
