"""What is behind the edge: the contract, PostgreSQL, the simulated fleet."""
