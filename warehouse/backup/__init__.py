"""Backups: a base backup of the embedded server, its WAL from then on, and the lake's files; and the way back."""
