"""Pages for people: the documentation of the API, and what the bare address shows. All of it works offline."""
