"""How a command reads the lake: which versions it sees, and whether they are those that were published."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

import psycopg
import typer

from orchestration.cli.options import notes
from orchestration.home.database import current_database
from warehouse.contract.database_roles import Role
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.lake.checked_files import require_intact
from warehouse.lake.snapshot import Snapshot, manifest_snapshot, released_snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.take_over import is_to_be_taken_over, take_over
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.lake_locks import begin_reading
from warehouse.settings import FleetSettings

Unverified = Annotated[
    bool,
    typer.Option("--unverified", help="Do not read the files for their hashes first: quicker, and maybe wrong."),
]


@dataclass(frozen=True)
class AsOf:
    """An earlier state of the lake: what readers saw at an instant, or with a release of a day."""

    instant: datetime | None = None
    release: int | None = None


def as_of(given: str) -> AsOf:
    """``3``, an instant, or ``2026-02-08``, which is when that day begins; for the ``parser`` of an option."""
    if given.isascii() and given.isdigit() and int(given) > 0 and len(given) < len("20260208"):
        return AsOf(release=int(given))
    try:
        instant = datetime.fromisoformat(given)
    except ValueError:
        raise typer.BadParameter(
            "expected a release of the day, e.g. 3, or an instant, e.g. 2026-02-08T10:00:00Z"
        ) from None
    return AsOf(instant=instant if instant.tzinfo else instant.replace(tzinfo=UTC))


@dataclass(frozen=True)
class LakeReader:
    """A snapshot of the lake, and the ledger that can be asked about its files, where it runs."""

    snapshot: Snapshot
    ledger: psycopg.Connection | None

    def require_intact(self, datasets: Sequence[str], day: date | None, lookback_days: int = 0) -> None:
        """Read each file of these datasets, of one day and some before it or of all, for its hash.

        Raises:
            MissingFileError, DamagedFileError: one is not what was published.
        """
        require_intact(self.snapshot.lake, self.snapshot.select(datasets, day, lookback_days), self.ledger)


def _ledgers_address(settings: FleetSettings) -> str:
    """The database as the role that only reads. A replica is none: who removes files does not see who reads them there.

    Raises: as ``current_database``.
    """
    if settings.names_a_database and settings.read_dsn:
        with suppress(DatabaseUnavailableError):
            url = current_database(settings, Role.READ)
            with connect(url) as connection:
                if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,):
                    return url
        return current_database(settings)
    return current_database(settings, Role.READ)


@contextmanager
def reading_lake(settings: FleetSettings, day: date | None = None, earlier: AsOf | None = None) -> Iterator[LakeReader]:
    """The lake as readers see it, now or earlier. Nothing of that is removed until the end of the block.

    Where no database runs that has the ledger, the list of files in the lake says what was published, and a note says
    so. ``day``: whose release ``earlier`` names.

    Raises:
        ForgottenVersionError: what was asked for is not kept any more.
        DatabaseUnavailableError: an earlier state was asked for, which only the ledger knows.
    """
    lake = Lake(settings.lake)
    with ExitStack() as stack:
        try:
            ledger = stack.enter_context(connect(_ledgers_address(settings)))
            if is_to_be_taken_over(ledger, lake):
                with connect(current_database(settings)) as writer:  # who asks may change nothing
                    take_over(writer, lake, notes.print)
            begin_reading(ledger)
            seen = earlier or AsOf()
            of_day = day if earlier else None  # how far back other days go is no matter
            snapshot = released_snapshot(ledger, lake, of_day, as_of=seen.instant, release=seen.release)
            reader = LakeReader(snapshot, ledger)
        except DatabaseUnavailableError as error:
            if earlier:
                raise
            notes.print(f"the ledger was not asked ({error.detail}): files.json in the lake says what is in it")
            reader = LakeReader(manifest_snapshot(lake), None)
        yield reader
