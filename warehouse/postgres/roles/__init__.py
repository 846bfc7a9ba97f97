"""Who may do what in the database: one table of grants, and how a database is brought to it."""
