"""Who did what, over HTTP, for administrators."""
