-- Of the readings that came late to a day since an instant, those of fleetwatt import.
SELECT coalesce(sum(row_count), 0)::bigint AS row_count
FROM late_rows
WHERE stream = %(stream)s AND day = %(day)s AND is_imported AND stored_at > %(since)s
