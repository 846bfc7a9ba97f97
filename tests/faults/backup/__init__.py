"""Everything is lost but the backup, and brought back: to its end, and to instants chosen at random."""
