"""Which built days lack a model as it is: it is new, its text changed, or a day that it looks back on did."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum

import psycopg

from dbt_like_sql.catalog import Catalog
from warehouse.counted import counted
from warehouse.postgres.ledger.models import find_outdated_models, find_unbuilt_models, newest_digests


class Why(Enum):
    """Why a model is to be built; the value says it in a sentence about a day, and about several."""

    MISSING = "lacks", "lack"
    OTHER_TEXT = "has an older text of", "have an older text of"
    EARLIER_DAYS = "looks back on a day that changed with", "look back on days that changed with"

    @property
    def one(self) -> str:
        """Of a day."""
        return self.value[0]

    @property
    def many(self) -> str:
        """Of several days."""
        return self.value[1]


@dataclass(frozen=True)
class LaggingModel:
    """A day of which a model is to be built. ``state`` is another one when it lags for another reason."""

    day: date
    dataset: str
    why: Why
    state: str


def lagging_models(connection: psycopg.Connection, catalog: Catalog) -> list[LaggingModel]:
    """What is to be built of days that are built, oldest day first, each model after those that it reads.

    Each once: a model that is to be built again for two reasons lags for the first of them.
    """
    unbuilt = unbuilt_models(connection, catalog)
    known = {(each.day, each.dataset) for each in unbuilt}
    outdated = [each for each in outdated_models(connection, catalog) if (each.day, each.dataset) not in known]
    return _in_order([*unbuilt, *outdated], catalog)


def lagging_remarks(lagging: Iterable[LaggingModel]) -> list[str]:
    """A sentence for each model and reason: how many days, and what to do."""
    days_of: dict[tuple[str, Why], list[date]] = {}
    for each in lagging:
        days_of.setdefault((each.dataset, each.why), []).append(each.day)
    return [
        f"{counted(len(days), f'day {why.one}', f'days {why.many}')} {dataset}, the first is {days[0]}: "
        f"fleetwatt models build -s {dataset} --missing"
        for (dataset, why), days in days_of.items()
    ]


def unbuilt_models(connection: psycopg.Connection, catalog: Catalog) -> list[LaggingModel]:
    """What built days lack, or have by another text of the model; in order as ``lagging_models``."""
    digests = [(model.name, model.digest) for model in catalog.in_order() if model.kind == "sql"]
    found = find_unbuilt_models(connection, digests)
    return _in_order(
        [
            LaggingModel(each.day, each.dataset, Why.MISSING if each.is_missing else Why.OTHER_TEXT, each.digest)
            for each in found
        ],
        catalog,
    )


def modified_models(connection: psycopg.Connection, catalog: Catalog) -> frozenset[str]:
    """The SQL models that are new, or whose text is not the one that made their newest day."""
    made_by = newest_digests(connection)
    return frozenset(
        model.name
        for model in catalog.in_order()
        if model.kind == "sql" and made_by.get(model.name, "") not in (model.digest, None)
    )


def outdated_models(connection: psycopg.Connection, catalog: Catalog) -> list[LaggingModel]:
    """What is to be built again because a day that it looks back on changed; in order as ``lagging_models``."""
    found = find_outdated_models(connection, catalog.lookbacks)
    return _in_order([LaggingModel(each.day, each.dataset, Why.EARLIER_DAYS, each.state) for each in found], catalog)


def _in_order(found: Iterable[LaggingModel], catalog: Catalog) -> list[LaggingModel]:
    position = {model.name: number for number, model in enumerate(catalog.in_order())}
    return sorted(found, key=lambda each: (each.day, position[each.dataset]))
