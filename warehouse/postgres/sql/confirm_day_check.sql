INSERT INTO hourly_checks (day, late_row_count)
VALUES (%(day)s, %(late_row_count)s)
ON CONFLICT (day) DO UPDATE SET late_row_count = excluded.late_row_count
