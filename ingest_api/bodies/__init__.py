"""Bodies of requests: read in time, decompressed, within a memory budget."""
