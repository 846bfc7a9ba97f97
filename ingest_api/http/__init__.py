"""What every answer of the HTTP edge has in common: request ids, problems, documents, who asks, from where."""
