"""As whom the parts of the product work in PostgreSQL."""

from enum import StrEnum


class Role(StrEnum):
    """A role by what it is for. Its value is its name in the embedded server; elsewhere the addresses name it."""

    OWNER = "fleetwatt"
    """Owns the tables and migrates; nothing that runs all the time works as it."""
    INGEST = "fleetwatt_ingest"
    """The API: stores readings, mappings, settings of devices and what people do about findings."""
    READ = "fleetwatt_read"
    """Dashboards' questions and ``fleetwatt query``: changes nothing."""
    PIPELINE = "fleetwatt_pipeline"
    """Our code in Dagster, and commands that do the same by hand: partitions, ledger, lake, findings, alerts."""
    DAGSTER = "fleetwatt_dagster"
    """Dagster's own database, in the embedded server: nothing of the fleet's."""


APART = (Role.INGEST, Role.READ, Role.PIPELINE)
"""Those that work on the fleet's tables without owning them."""
