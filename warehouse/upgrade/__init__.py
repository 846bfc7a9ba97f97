"""Brings a home, or a database of one's own, to this version, and sees that nothing is lost."""
