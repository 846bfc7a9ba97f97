-- A day was found right with all the late rows that this snapshot sees.
INSERT INTO hourly_checks (day, late_row_count)
SELECT
    %(day)s AS day,
    coalesce(sum(row_count), 0) AS late_row_count
FROM late_rows
WHERE day = %(day)s
ON CONFLICT (day) DO UPDATE SET late_row_count = excluded.late_row_count
