"""What a device measured over time, at evenly spaced points."""
