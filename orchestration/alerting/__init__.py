"""Tells people what they should look at."""
