"""Group commit: many requests' readings in one transaction, each request told what became of its own."""
