SELECT attach_partition(%(stream)s, %(day)s)
