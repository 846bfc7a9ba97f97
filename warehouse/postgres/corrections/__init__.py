"""What people said of false readings: added, listed, and the days and hours queued that follow from it."""
