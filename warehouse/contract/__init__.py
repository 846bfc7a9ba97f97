"""What readings, energy, tables, partitions and errors ARE. Standard library only."""
