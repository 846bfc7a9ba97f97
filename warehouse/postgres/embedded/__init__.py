"""A real PostgreSQL server of a home folder's own, for a machine that has none."""

from warehouse.postgres.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
