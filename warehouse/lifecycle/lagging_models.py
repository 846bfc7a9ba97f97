"""Which built days lack a model as it is: it is new, its text changed, or a day that it looks back on did.

And of which days readers do not see what was made last: a check failed, or whoever made it came to no end.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum

import psycopg

from dbt_like_sql.catalog import Catalog
from warehouse.counted import counted
from warehouse.postgres.ledger.day_ledger import days_to_run
from warehouse.postgres.ledger.day_locks import is_held
from warehouse.postgres.ledger.lake_files import LakeFile, list_unseen_files
from warehouse.postgres.ledger.models import find_outdated_models, find_unbuilt_models, newest_digests


class Why(Enum):
    """Why a model is to be built; the value says it in a sentence about a day, and about several."""

    MISSING = "lacks", "lack"
    OTHER_TEXT = "has an older text of", "have an older text of"
    EARLIER_DAYS = "looks back on a day that changed with", "look back on days that changed with"
    UNSEEN = "has a version that readers do not see of", "have versions that readers do not see of"
    UNFINISHED = "was only partly built again, beginning with", "were only partly built again, beginning with"
    """What has no SELECT is among it, so models alone do not finish the day."""

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
    known.update((each.day, each.dataset) for each in outdated)
    unseen = [each for each in unseen_models(connection, catalog) if (each.day, each.dataset) not in known]
    return _in_order([*unbuilt, *outdated, *unseen], catalog)


def lagging_remarks(lagging: Iterable[LaggingModel]) -> list[str]:
    """A sentence for each model and reason: how many days, and what to do."""
    days_of: dict[tuple[str, Why], list[date]] = {}
    for each in lagging:
        days_of.setdefault((each.dataset, each.why), []).append(each.day)
    return [
        f"{counted(len(days), f'day {why.one}', f'days {why.many}')} {dataset}, the first is {days[0]}: "
        + _what_to_do(dataset, why, days[0])
        for (dataset, why), days in days_of.items()
    ]


def _what_to_do(dataset: str, why: Why, first: date) -> str:
    build = f"fleetwatt models build -s {dataset} --missing"
    if why is Why.UNFINISHED:
        return f"fleetwatt run-day {first}"
    return f"Dagster builds it by itself, or {build}" if why is Why.EARLIER_DAYS else build


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


def unseen_models(connection: psycopg.Connection, catalog: Catalog) -> list[LaggingModel]:
    """What was made of a day and never released. Days that are to be run, or that somebody works on, are left out.

    Of a day that is to be finished as a whole, the first dataset alone.
    """
    position = _positions(catalog)
    files_of: dict[date, list[LakeFile]] = {}
    for file in list_unseen_files(connection, catalog.models):
        files_of.setdefault(file.day, []).append(file)
    to_run = {each.day for each in days_to_run(connection)} if files_of else set()
    found = []
    for day, files in files_of.items():
        if day in to_run or is_held(connection, day):
            continue
        first, *rest = sorted(files, key=lambda file: position[file.dataset])
        is_whole = any(catalog.models[file.dataset].kind != "sql" for file in files)
        why, said = (Why.UNFINISHED, [first]) if is_whole else (Why.UNSEEN, [first, *rest])
        found += [LaggingModel(day, file.dataset, why, str(file.version)) for file in said]
    return _in_order(found, catalog)


def _in_order(found: Iterable[LaggingModel], catalog: Catalog) -> list[LaggingModel]:
    position = _positions(catalog)
    return sorted(found, key=lambda each: (each.day, position[each.dataset]))


def _positions(catalog: Catalog) -> dict[str, int]:
    return {model.name: number for number, model in enumerate(catalog.in_order())}
