"""What the fleet does now."""
