"""Where a home's WAL goes, and whether it gets there: a few files in ``HOME/backup``.

PostgreSQL forgets a segment of its WAL only once ``archive_segment`` has said that every target has it. While a target
is away, segments wait in the data directory. Before they could fill the disk the archive is given up instead: the
server goes on, what was archived stays good, and the next base backup begins anew.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from warehouse.durability import replace_file, sync

FOLDER = "backup"
"""In the home."""
SETTINGS_FILE = "archive.json"
_FAILURE_FILE = "failure.json"
_GAP_FILE = "gap.json"


@dataclass(frozen=True)
class WalArchive:
    """Where the WAL goes."""

    id: str
    """Of this home's archive: a home that was restored gets another one, since its WAL is another from there on."""
    targets: tuple[Path, ...]
    """One; two while a backup moves from the first to the second."""
    critical_ratio: float
    """The share of the data's disk from which on the archive may be given up."""

    def folder_in(self, target: Path) -> Path:
        """Where its WAL lies in a target."""
        return wal_folder(target, self.id)


@dataclass(frozen=True)
class WalTrouble:
    """Why a segment could not be archived, or since when none is."""

    since: datetime
    segment: str
    why: str


def wal_folder(target: Path, archive_id: str) -> Path:
    """Where the WAL of an archive lies in a target."""
    return target / "wal" / archive_id


@dataclass(frozen=True)
class ArchiveState:
    """The files in ``HOME/backup``. Written by the account of the server."""

    folder: Path

    def read(self) -> WalArchive | None:
        """Where the WAL goes; None: it is not archived."""
        found = self._read(SETTINGS_FILE)
        if found is None:
            return None
        return WalArchive(str(found["id"]), tuple(map(Path, found["targets"])), float(found["critical_ratio"]))

    def write(self, archive: WalArchive) -> None:
        """From now on the WAL goes there. What was given up begins again."""
        self._write(
            SETTINGS_FILE,
            {"id": archive.id, "targets": list(map(str, archive.targets)), "critical_ratio": archive.critical_ratio},
        )

    def stop(self) -> None:
        """The WAL is not archived any more."""
        for name in (SETTINGS_FILE, _FAILURE_FILE, _GAP_FILE):
            (self.folder / name).unlink(missing_ok=True)

    @property
    def failure(self) -> WalTrouble | None:
        """What keeps the oldest waiting segment from a target, if something does."""
        return self._trouble(_FAILURE_FILE)

    @property
    def gap(self) -> WalTrouble | None:
        """Since when the archive is given up, if it is."""
        return self._trouble(_GAP_FILE)

    def note_failure(self, segment: str, why: str) -> None:
        """Keep the instant of the first one in a row."""
        before = self.failure
        since = before.since if before else datetime.now(UTC)
        self._write_trouble(_FAILURE_FILE, WalTrouble(since, segment, why))

    def forget_failure(self) -> None:
        """A segment was archived."""
        (self.folder / _FAILURE_FILE).unlink(missing_ok=True)

    def give_up(self, segment: str, why: str) -> None:
        """From this segment on none is archived, until the next base backup."""
        self._write_trouble(_GAP_FILE, WalTrouble(datetime.now(UTC), segment, why))

    def begin_again(self) -> None:
        """Segments are archived from now on, whatever was before."""
        (self.folder / _GAP_FILE).unlink(missing_ok=True)
        self.forget_failure()

    def _trouble(self, name: str) -> WalTrouble | None:
        found = self._read(name)
        if found is None:
            return None
        return WalTrouble(datetime.fromisoformat(found["since"]), str(found["segment"]), str(found["why"]))

    def _write_trouble(self, name: str, trouble: WalTrouble) -> None:
        self._write(name, {**asdict(trouble), "since": trouble.since.isoformat()})

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            return dict(json.loads((self.folder / name).read_bytes()))
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: dict[str, object]) -> None:
        replace_file(self.folder / name, json.dumps(content).encode())
        sync(self.folder)


def must_give_up(used_ratio: float, critical_ratio: float, waiting_bytes: int, free_bytes: int) -> bool:
    """Whether the disk of the data is critically full, and what waits takes more of it than is left."""
    return used_ratio >= critical_ratio and waiting_bytes >= free_bytes


@dataclass(frozen=True)
class Waiting:
    """What a server has not archived yet."""

    segments: int
    since: datetime | None
    """When the oldest of them was full."""


def waiting_of(wal: Path) -> Waiting:
    """What waits to be archived in a server's folder of WAL."""
    ready = []
    for path in (wal / "archive_status").glob("*.ready"):
        with suppress(FileNotFoundError):  # it was archived just now
            ready.append(path.stat().st_mtime)
    return Waiting(len(ready), datetime.fromtimestamp(min(ready), UTC) if ready else None)
