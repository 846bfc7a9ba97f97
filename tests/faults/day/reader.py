"""Somebody who reads the lake all the time, in a process of its own: its bytes, and rows as ``query`` sees them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.faults.day.outcome import OF_RELEASES, Outcome, Part, contents_of, hashes_of
from tests.faults.day.site import Site
from warehouse.lake.snapshot import released_snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.lake_locks import begin_reading

PAUSE_S = 0.2
"""Between two looks: they are not to keep the workers from working."""
ANSWERS_WITHIN_S = 60.0
MOST_TOLD = 3


@dataclass
class Valid:
    """What may be seen of each dataset and day: one whole version or another."""

    hashes: dict[Part, set[str]] = field(default_factory=dict)
    contents: dict[Part, set[tuple[int, int]]] = field(default_factory=dict)
    builds: list[dict[Part, str]] = field(default_factory=list)
    """The hashes of a day's datasets that are seen together."""
    none_yet: bool = False
    """Whether there may be no file."""

    @classmethod
    def of(cls, *outcomes: Outcome, none_yet: bool = False) -> "Valid":
        """Whatever one of these has."""
        valid = cls(none_yet=none_yet)
        for outcome in outcomes:
            for day in {day for _, day in outcome.hashes}:
                valid.builds.append({part: digest for part, digest in outcome.hashes.items() if part[1] == day})
            for part, digest in outcome.hashes.items():
                valid.hashes.setdefault(part, set()).add(digest)
                # A version without a row shows as none.
                valid.contents.setdefault(part, set()).add(outcome.contents.get(part, (0, 0)))
        return valid

    def faults(self, hashes: Mapping[Part, str], contents: Mapping[Part, tuple[int, int]]) -> Iterator[str]:
        """In words, what nobody should see."""
        for part, known in self.hashes.items():
            if hashes.get(part) not in known and not (self.none_yet and part not in hashes):
                yield f"the bytes of {part[0]} of {part[1]} are no version's"
        for day in {day for _, day in hashes}:
            seen_of_day = {part: digest for part, digest in hashes.items() if part[1] == day}
            is_whole = any(seen_of_day.keys() == build.keys() for build in self.builds)
            if is_whole and seen_of_day not in self.builds:
                yield f"{day} is of more than one build"
        for part, seen in self.contents.items():
            if contents.get(part, (0, 0)) not in seen and not (self.none_yet and part not in contents):
                yield f"the rows of {part[0]} of {part[1]} are no version's: {contents.get(part)}"
        unknown = (hashes.keys() | contents.keys()) - self.hashes.keys()
        yield from (f"{name} of {day} is there" for name, day in unknown if name not in OF_RELEASES)


@dataclass
class Looks:
    """How often the whole lake was read, and what was seen that should not be."""

    count: int = 0
    wrong: int = 0
    told: list[str] = field(default_factory=list)

    def add(self, other: "Looks") -> None:
        """Add those of another round."""
        self.count += other.count
        self.wrong += other.wrong
        self.told += other.told[: MOST_TOLD - len(self.told)]


class Reader:
    """Running inside the block of ``reading``."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self.looks = Looks()

    @contextmanager
    def looking_at(self, site: Site, valid: Valid) -> Iterator[None]:
        """Read this site's lake until the end of the block."""
        self._pipe.send((site.url, site.lake.root, valid))
        try:
            yield
        finally:
            self._pipe.send(None)
            if not self._pipe.poll(ANSWERS_WITHIN_S):
                raise RuntimeError(f"the reader did not answer within {ANSWERS_WITHIN_S:g} s")
            self.looks.add(self._pipe.recv())


@contextmanager
def reading() -> Iterator[Reader]:
    """A reader's process, until the end of the block."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_read_as_told, args=(theirs,), daemon=True)
    process.start()
    try:
        yield Reader(ours)
    finally:
        process.kill()
        process.join()


def _read_as_told(pipe: "Connection[Any, Any]") -> None:
    while True:
        url, root, valid = pipe.recv()
        looks = Looks()
        while not pipe.poll(PAUSE_S):
            faults = list(_faults_seen(url, root, valid))
            looks.add(Looks(1, int(bool(faults)), faults))
        pipe.recv()
        pipe.send(looks)


def _faults_seen(url: str, root: Path, valid: Valid) -> Iterator[str]:
    try:
        with connect(url) as connection:
            begin_reading(connection)
            snapshot = released_snapshot(connection, Lake(root))
            hashes, contents = hashes_of(snapshot), contents_of(snapshot)
    except Exception as error:  # whatever a reader trips over is a finding
        yield f"{type(error).__name__}: {error}"
        return
    yield from valid.faults(hashes, contents)
