"""The page that a person gets of a period: what is new, what it costs, what to repair first, and what is not known."""
