"""Whether the data can be trusted: each day's way into the lake, and what was refused."""
