"""What is known of devices: their settings, and which meter serves which vehicle since when."""
