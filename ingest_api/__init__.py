"""The HTTP edge: telemetry in, answers out."""
