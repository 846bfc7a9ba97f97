"""Bodies of requests: read in time, unpacked, within a memory budget."""
