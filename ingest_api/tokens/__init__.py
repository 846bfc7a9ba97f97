"""Machines' tokens over HTTP, for administrators: made, listed, revoked, rotated."""
