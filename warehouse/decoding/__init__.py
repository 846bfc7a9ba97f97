"""From bytes to readings: JSON and NDJSON as devices send them, checked item by item."""
