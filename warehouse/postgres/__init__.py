"""Everything that speaks to PostgreSQL: the embedded server, migrations, partitions, the ledger, storing readings."""
