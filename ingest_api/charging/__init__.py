"""How devices charged and stood by on the newest released days."""
