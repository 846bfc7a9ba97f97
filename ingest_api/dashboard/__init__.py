"""The pages on which people see their fleet: what the features know, as HTML. No statement of SQL is its own."""
