-- Something that was written has been rewritten, or means something else: whoever remembers its sums looks again.
UPDATE hourly_ledger SET written_at = clock_timestamp()
WHERE hour = (SELECT max(hour) FROM hourly_ledger)
