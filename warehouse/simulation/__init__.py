"""A simulated fleet whose AC and DC energy belong together and whose faults are known."""
