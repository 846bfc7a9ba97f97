"""How old the newest data of each source is, beside what it may be."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

import psycopg

from dbt_like_sql.model import Freshness, Model
from warehouse import sqlfiles
from warehouse.postgres.ledger.day_ledger import days_to_run
from warehouse.postgres.ledger.lake_files import oldest_releases
from warehouse.postgres.ledger.lake_overview import published_datasets


class Level(StrEnum):
    """What an age is worth, in dbt's words."""

    PASS = "pass"  # noqa: S105 - no secret
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True)
class FirstDay:
    """Of a lake that readers see no day of: the oldest closed day, if there is one, and whether it was begun."""

    day: date | None
    is_begun: bool

    @property
    def words(self) -> str:
        """Why there is nothing yet."""
        if self.day is None:
            return "no day with readings is closed yet"
        return f"{self.day} is under way" if self.is_begun else f"{self.day} is closed, and nobody began to export it"


@dataclass(frozen=True)
class SourceFreshness:
    """A source with its newest data: the newest reading, or when its newest day came into the lake."""

    dataset: str
    newest_at: datetime | None
    age: timedelta | None
    """``None`` where there is nothing yet."""
    allowed: Freshness
    first_day: FirstDay | None = None
    """Of a source whose first day is still to come into the lake."""

    @property
    def level(self) -> Level:
        """Nothing yet is an error: whoever declares a freshness expects data. Unless the first day is on its way."""
        if self.first_day and (self.first_day.is_begun or self.first_day.day is None):
            return Level.WARN
        if self.age is None or self.age > timedelta(hours=self.allowed.error_after_hours):
            return Level.ERROR
        return Level.WARN if self.age > timedelta(hours=self.allowed.warn_after_hours) else Level.PASS


def source_freshness(connection: psycopg.Connection, models: Iterable[Model], now: datetime) -> list[SourceFreshness]:
    """Of each dataset that declares a freshness, in the given order.

    Raises:
        SchemaOutdatedError: the database has no ledger of the lake yet.
    """
    in_lake = {name: each.published_at for name, each in published_datasets(connection).items()}
    of_readings = newest_readings(connection)
    newest: dict[str, datetime | None] = {**in_lake, **of_readings}
    first_day = None if oldest_releases(connection) else _first_day(connection)
    found = []
    for model in models:
        if model.freshness:
            at = newest.get(model.name)
            awaited = None if at or model.name in of_readings else first_day
            found.append(SourceFreshness(model.name, at, now - at if at else None, model.freshness, awaited))
    return found


def newest_readings(connection: psycopg.Connection) -> dict[str, datetime | None]:
    """When the newest reading of each stream was taken; None: it has none."""
    return dict(connection.execute(sqlfiles.load("warehouse.postgres.ledger", "find_newest_readings")).fetchall())


def _first_day(connection: psycopg.Connection) -> FirstDay:
    days = days_to_run(connection)
    return FirstDay(days[0].day, days[0].was_sealed) if days else FirstDay(None, is_begun=False)
