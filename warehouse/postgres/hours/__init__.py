"""``device_hourly``: the energy of each closed hour, by the energy rule in SQL."""
