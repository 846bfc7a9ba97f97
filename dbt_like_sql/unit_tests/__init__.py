"""Unit tests of models and of written-out checks: some rows in, the rows out, as text beside the SQL."""
