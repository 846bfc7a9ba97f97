DELETE FROM lake_files
WHERE dataset = %(dataset)s AND day = %(day)s AND version = 0
