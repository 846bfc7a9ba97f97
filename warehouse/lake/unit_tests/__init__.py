"""Runs unit tests of models in a DuckDB without a file, and says row by row how what came out differs."""
