"""Findings in PostgreSQL: what the newest day tells of them, what people made of it, and the events of their lives."""
