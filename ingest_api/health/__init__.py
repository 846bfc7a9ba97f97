"""Whether the service lives, is ready, and stores what it accepts."""
