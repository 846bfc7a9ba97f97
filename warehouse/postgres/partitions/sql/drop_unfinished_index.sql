SELECT drop_unfinished_index(%(name)s)
