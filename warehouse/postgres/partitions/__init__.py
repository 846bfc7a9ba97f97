"""Partitions, one UTC day of one stream each: made ahead, read, indexed, dropped."""
