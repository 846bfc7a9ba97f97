"""``fleetwatt findings``."""
