"""Which schema this code expects. Apart from ``migrate``, so that a service can ask without loading Alembic."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"


def head_revision() -> str:
    """The newest migration: files in ``versions`` are named ``NNNN_what.py`` and run in that order."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))[:4]
