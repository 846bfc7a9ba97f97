"""The server is hurt in every way that machines know, and a ledger tells whether it kept its word: ``make faults``."""
