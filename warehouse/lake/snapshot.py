"""Which files a reader of the lake sees: fixed when he begins, whatever is published meanwhile.

The ledger says it; ``files.json`` in the lake repeats what it said last, for whoever has only the folder.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import psycopg

from warehouse.contract.errors import FleetwattError
from warehouse.lake.storage.lake import Lake, key_of
from warehouse.postgres.connection import one_snapshot
from warehouse.postgres.ledger.lake_files import LakeFile, list_current_files, list_released_files, oldest_releases

MANIFEST = "files.json"
_FORMAT = 1


class ManifestError(FleetwattError):
    """The lake's list of files cannot be read"""

    code = "unreadable_manifest"


class ForgottenVersionError(FleetwattError):
    """That version of the lake is not there"""

    code = "forgotten_version"


@dataclass(frozen=True)
class Snapshot:
    """One version of each dataset's day, by dataset and day."""

    lake: Lake
    files: Mapping[str, Mapping[date, LakeFile]]

    @classmethod
    def of(cls, lake: Lake, files: Iterable[LakeFile]) -> Self:
        """These files."""
        found: dict[str, dict[date, LakeFile]] = {}
        for file in sorted(files, key=lambda each: each.day):
            found.setdefault(file.dataset, {})[file.day] = file
        return cls(lake, found)

    def days(self, dataset: str) -> list[date]:
        """The days that a dataset has a file of, oldest first."""
        return list(self.files.get(dataset, {}))

    def locations(self, dataset: str, day: date | None, lookback_days: int = 0) -> list[str]:
        """What to open for a dataset's day and some days before it, or for all of its days, oldest first."""
        return [self.lake.location(file) for file in self.select([dataset], day, lookback_days)]

    def select(self, datasets: Iterable[str], day: date | None, lookback_days: int = 0) -> list[LakeFile]:
        """The files of these datasets, of one day and some days before it or of all days, oldest first."""
        return [
            file
            for name in datasets
            for each, file in self.files.get(name, {}).items()
            if day is None or 0 <= (day - each).days <= lookback_days
        ]


def current_snapshot(
    connection: psycopg.Connection, lake: Lake, datasets: Iterable[str] | None = None, day: date | None = None
) -> Snapshot:
    """The newest version of everything: what the daily pipeline works on."""
    return Snapshot.of(lake, list_current_files(connection, datasets, day))


def released_snapshot(
    connection: psycopg.Connection,
    lake: Lake,
    day: date | None = None,
    *,
    as_of: datetime | None = None,
    release: int | None = None,
) -> Snapshot:
    """What readers see: of each day one version of each dataset, all of one build.

    ``as_of``: what they saw at that instant; ``release``: with that release of a day.

    Raises:
        ForgottenVersionError: that is not kept any more.
    """
    if not (as_of or release):
        return Snapshot.of(lake, list_released_files(connection, day))
    with one_snapshot(connection):  # a release that is found to be kept is not gone a moment later
        return Snapshot.of(lake, _earlier_files(connection, day, as_of, release))


def _earlier_files(
    connection: psycopg.Connection, day: date | None, as_of: datetime | None, release: int | None
) -> list[LakeFile]:
    oldest = oldest_releases(connection, day)
    if as_of and (gone := [each for each in oldest if each.release > 1 and each.released_at > as_of]):
        since = max(each.released_at for each in gone)
        raise ForgottenVersionError(
            f"what {gone[0].day} was then is not kept any more; ask for {since:%Y-%m-%dT%H:%M:%S.%fZ} or later"
        )
    files = list_released_files(connection, day, as_of=as_of, release=release)
    if release and not files:
        kept = "; ".join(f"of {each.day} there are {each.release} to {each.newest_release}" for each in oldest)
        raise ForgottenVersionError(f"there is no release {release} any more, or not yet; {kept or 'there are none'}")
    return files


def manifest_of(snapshot: Snapshot) -> str:
    """The text of ``files.json``: for each dataset and day the file, relative to the lake, its version and its hash."""
    datasets = {
        dataset: {str(day): _described(file) for day, file in of_days.items()}
        for dataset, of_days in sorted(snapshot.files.items())
    }
    return json.dumps({"format": _FORMAT, "datasets": datasets}, indent=1) + "\n"


def manifest_snapshot(lake: Lake) -> Snapshot:
    """What the list of files in the lake says; empty where there is none yet.

    Raises:
        ManifestError: it is not what Fleetwatt writes.
    """
    path = lake.root / MANIFEST
    try:
        datasets = _datasets_of(path)
        files = [
            _parsed(dataset, date.fromisoformat(day), described)
            for dataset, of_days in datasets.items()
            for day, described in of_days.items()
        ]
    except FileNotFoundError:
        if any(lake.root.glob("*/day=*")):
            raise ManifestError(
                f"there is no {path}, which says what is in the lake; fleetwatt migrate or fleetwatt up writes it"
            ) from None
        return Snapshot.of(lake, [])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ManifestError(f"{path}: {error}; the next fleetwatt run-day writes it again") from error
    return Snapshot.of(lake, files)


def _datasets_of(path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    if path.exists() and not path.is_file():
        raise ValueError("it is no file")
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["format"] != _FORMAT:
        raise ValueError(f"its format is {content['format']}, and {_FORMAT} is known here")
    datasets: dict[str, dict[str, dict[str, Any]]] = content["datasets"]
    return datasets


def _described(file: LakeFile) -> dict[str, Any]:
    return {
        "file": str(key_of(file)),
        "version": file.version,
        "sha256": file.sha256.hex(),
        "bytes": file.size_bytes,
        "rows": file.row_count,
        "published_at": file.published_at.isoformat(),
    }


def _parsed(dataset: str, day: date, described: Mapping[str, Any]) -> LakeFile:
    return LakeFile(
        dataset,
        day,
        int(described["version"]),
        bytes.fromhex(described["sha256"]),
        int(described["bytes"]),
        int(described["rows"]),
        datetime.fromisoformat(described["published_at"]),
    )
