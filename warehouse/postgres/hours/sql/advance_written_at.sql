-- Something of what is written was written anew, or means something else: who remembers what it sums to looks again.
UPDATE hourly_ledger SET written_at = clock_timestamp()
WHERE hour = (SELECT max(hour) FROM hourly_ledger)
