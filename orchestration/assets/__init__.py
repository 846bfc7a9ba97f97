"""The assets: each calls the walk of a day, says what came of it, and computes nothing."""
