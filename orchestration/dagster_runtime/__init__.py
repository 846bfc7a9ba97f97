"""How Dagster runs here: its instance, its processes, its storage, its runs."""
