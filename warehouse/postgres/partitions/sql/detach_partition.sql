SELECT detach_partition(%(stream)s, %(day)s)
