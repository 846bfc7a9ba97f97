"""The analytics as text. Empty until the warehouse models arrive; see CHANGELOG.md."""
