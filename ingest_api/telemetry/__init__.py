"""``POST /v1/telemetry``: from a body to readings in the open batch, and from what became of them to an answer."""
