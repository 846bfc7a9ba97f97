"""What the ledger says, for /metrics: a part that hangs keeps no other from being told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from ingest_api.database import AnalyticsDatabase, Connection, Database
from ingest_api.observability import ledger_figures
from ingest_api.observability.ledger_figures import Figure, LedgerFigures


class _AtHand:
    """A database whose connections cost nothing: the parts below ask it for nothing."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        yield


async def _hangs(_connection: Connection) -> Sequence[Figure]:
    await asyncio.Event().wait()
    raise AssertionError


async def _answers(_connection: Connection) -> Sequence[Figure]:
    return [Figure("fleet_dirty_days", 1)]


@pytest.mark.parametrize("hanging", ["first", "last"])
def test_a_part_that_hangs_keeps_no_other_from_being_told(monkeypatch: pytest.MonkeyPatch, hanging: str) -> None:
    names = ["first", "second", "third", "last"]
    parts: dict[str, Any] = {name: _hangs if name == hanging else _answers for name in names}
    monkeypatch.setattr(ledger_figures, "_PARTS", parts)
    monkeypatch.setattr(ledger_figures, "READ_WITHIN_S", 1.0)
    database = _AtHand()
    figures = LedgerFigures(cast("Database", database), cast("AnalyticsDatabase", database))
    asyncio.run(figures.refresh())
    families = {family.name: family.samples for family in figures.collect()}
    assert len(families["fleet_dirty_days"]) == len(names) - 1
    unread = {sample.labels["part"]: sample.value for sample in families["fleet_ledger_unread"]}
    assert unread == {name: name == hanging for name in names}
