"""The archive of the embedded server's write-ahead log (WAL): what brings a base backup to any later instant."""
