SELECT drop_partition_table(%(stream)s, %(day)s, %(is_restoring)s)
