"""What PostgreSQL holds of one device: found, copied out, forgotten."""
