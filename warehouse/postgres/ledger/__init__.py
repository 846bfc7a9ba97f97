"""The ledger: the truth about every day and every file of the lake."""
