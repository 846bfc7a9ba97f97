SELECT rename_restored_table(%(stream)s, %(day)s)
