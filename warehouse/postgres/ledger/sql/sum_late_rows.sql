SELECT coalesce(sum(row_count), 0)::bigint AS late_row_count
FROM late_rows
WHERE stream = %(stream)s AND day = %(day)s
