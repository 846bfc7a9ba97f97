"""Corrections of readings over HTTP: said, and listed."""
