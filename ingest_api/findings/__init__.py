"""Findings as people work with them: lists, one with its evidence, and what is done about it."""
