"""The home folder: who holds it, whose its files are, and the account that works in it."""
