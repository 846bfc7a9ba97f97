"""How readings are stored: batches, device ids, quarantine."""
