"""Losses of charging: which pairs of vehicle and charger lose more than before, since when, how sure, and how much."""
