"""The assets: each calls a step of the daily pipeline, says what came of it, and computes nothing."""
