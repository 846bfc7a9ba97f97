"""What operators see of the HTTP edge: metrics and logs."""
