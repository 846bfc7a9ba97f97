"""Dagster's own web server behind a gate: who may ask it, and what may be changed through it."""
