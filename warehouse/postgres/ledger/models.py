"""What the ledger knows of the models: which text made a file, what that read of earlier days, and what is outdated."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles
from warehouse.postgres.ledger.gaps import NOTHING
from warehouse.postgres.ledger.lake_files import LakeFile

_PACKAGE = "warehouse.postgres.ledger"


@dataclass(frozen=True)
class OutdatedModel:
    """A model's day that was made from earlier days which are not as they were. ``state`` changes when they do."""

    dataset: str
    day: date
    changed_days: list[date]
    state: str


@dataclass(frozen=True)
class UnbuiltModel:
    """A built day of which a model has no file, or only one that another text of it made."""

    dataset: str
    day: date
    digest: str
    is_missing: bool


def register_model(
    transaction: psycopg.Connection,
    dataset: str,
    day: date,
    digest: str,
    inputs: Iterable[LakeFile],
    lost: Iterable[LakeFile] = (),
) -> None:
    """Note what made the current version, in the transaction that published it.

    ``inputs``: of earlier days; ``lost``: those that were lost for good, without which it was made.
    """
    files = [*((file, file.sha256) for file in inputs), *((file, NOTHING) for file in lost)]
    parameters = {
        "dataset": dataset,
        "day": day,
        "digest": digest,
        "inputs": [file.dataset for file, _ in files],
        "input_days": [file.day for file, _ in files],
        "input_sha256s": [sha256 for _, sha256 in files],
    }
    transaction.execute(sqlfiles.load(_PACKAGE, "delete_model_inputs"), {"dataset": dataset, "day": day})
    transaction.execute(sqlfiles.load(_PACKAGE, "register_model"), parameters)


def find_outdated_models(
    connection: psycopg.Connection, lookbacks: Iterable[tuple[str, str, int]]
) -> list[OutdatedModel]:
    """The days to be made again because of earlier ones, oldest first.

    ``lookbacks``: datasets that look back, with one that each reads and how many days back.
    """
    rows = list(lookbacks)
    parameters = {
        "datasets": [dataset for dataset, _, _ in rows],
        "inputs": [read for _, read, _ in rows],
        "lookback_days": [days for _, _, days in rows],
    }
    with connection.cursor(row_factory=class_row(OutdatedModel)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "find_outdated_models"), parameters).fetchall()


def find_unbuilt_models(connection: psycopg.Connection, digests: Iterable[tuple[str, str]]) -> list[UnbuiltModel]:
    """The days that lack a model, or have it by another text than that of this digest, oldest first."""
    rows = list(digests)
    parameters = {"datasets": [dataset for dataset, _ in rows], "digests": [digest for _, digest in rows]}
    with connection.cursor(row_factory=class_row(UnbuiltModel)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "find_unbuilt_models"), parameters).fetchall()


def find_model_digest(connection: psycopg.Connection, dataset: str, day: date) -> str | None:
    """The digest of the model that made the current file; ``None`` where that is not known or there is none."""
    parameters = {"dataset": dataset, "day": day}
    found = connection.execute(sqlfiles.load(_PACKAGE, "find_model_digest"), parameters).fetchone()
    return found[0] if found else None


def newest_digests(connection: psycopg.Connection) -> dict[str, str | None]:
    """The digest of the model that made each dataset's newest day; ``None`` where it is not known or no model did."""
    return dict(connection.execute(sqlfiles.load(_PACKAGE, "list_newest_digests")).fetchall())


def model_inputs(connection: psycopg.Connection, dataset: str, day: date) -> dict[tuple[str, date], bytes]:
    """The SHA-256 of each file of an earlier day that the current file was made from, by dataset and day.

    ``NOTHING`` of those that were lost, without which it was made.
    """
    parameters = {"dataset": dataset, "day": day}
    found = connection.execute(sqlfiles.load(_PACKAGE, "list_model_inputs"), parameters)
    return {(read, input_day): sha256 for read, input_day, sha256 in found}
