DELETE FROM lake_file_versions
WHERE dataset = %(dataset)s AND day = %(day)s AND version = %(version)s
