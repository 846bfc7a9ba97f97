"""What people said of the readings behind a number: those that count otherwise than they were received."""

from datetime import datetime
from typing import NamedTuple

import duckdb

from warehouse import sqlfiles

SAID = ("corrected_readings", "reading_corrections")
"""The datasets that tell."""


class TracedCorrection(NamedTuple):
    """A reading that counts otherwise than it was received. Registers are kWh; a null ``kwh``: it is left out."""

    kind: str
    external_id: str
    ts: datetime
    received_kwh: float
    kwh: float | None
    correction_id: int
    who: str
    why: str


def traced_corrections(engine: duckdb.DuckDBPyConnection) -> tuple[TracedCorrection, ...]:
    """Those of the devices in ``traced_devices``, oldest first."""
    query = sqlfiles.load("warehouse.lake", "list_traced_corrections").as_string()
    return tuple(TracedCorrection(*row) for row in engine.execute(query).fetchall())
