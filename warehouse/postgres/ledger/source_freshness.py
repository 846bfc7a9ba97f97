"""How old the newest data of each source is, beside what it may be."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import psycopg

from dbt_like_sql.model import Freshness, Model
from warehouse import sqlfiles
from warehouse.postgres.ledger.lake_overview import published_datasets


class Level(StrEnum):
    """What an age is worth, in dbt's words."""

    PASS = "pass"  # noqa: S105 - no secret
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True)
class SourceFreshness:
    """A source with its newest data: the newest reading, or when its newest day came into the lake."""

    dataset: str
    newest_at: datetime | None
    age: timedelta | None
    """``None`` where there is nothing yet."""
    allowed: Freshness

    @property
    def level(self) -> Level:
        """Nothing yet is an error: whoever declares a freshness expects data."""
        if self.age is None or self.age > timedelta(hours=self.allowed.error_after_hours):
            return Level.ERROR
        return Level.WARN if self.age > timedelta(hours=self.allowed.warn_after_hours) else Level.PASS


def source_freshness(connection: psycopg.Connection, models: Iterable[Model], now: datetime) -> list[SourceFreshness]:
    """Of each dataset that declares a freshness, in the given order.

    Raises:
        SchemaOutdatedError: the database has no ledger of the lake yet.
    """
    in_lake = {name: each.published_at for name, each in published_datasets(connection).items()}
    of_readings = connection.execute(sqlfiles.load("warehouse.postgres.ledger", "find_newest_readings")).fetchall()
    newest: dict[str, datetime | None] = {**in_lake, **dict(of_readings)}
    found = []
    for model in models:
        if model.freshness:
            at = newest.get(model.name)
            found.append(SourceFreshness(model.name, at, now - at if at else None, model.freshness))
    return found
