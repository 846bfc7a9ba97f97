"""The HTTP server: worker processes, the protocol on each connection, and its fast path for single readings."""
