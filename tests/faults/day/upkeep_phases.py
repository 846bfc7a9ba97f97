"""The phases of what comes later: a day leaves PostgreSQL, is added to, and comes back for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.day.history import State
from tests.faults.day.outcome import Outcome
from tests.faults.day.phases import Phase
from tests.faults.day.reader import Valid
from tests.faults.day.site import Site
from tests.faults.day.watch import Watch
from warehouse.contract.partitions import PartitionState, Stream
from warehouse.postgres.connection import connect


class Retention(Phase):
    """What both phases of dropping share."""

    begins_as = State.EXPORTED

    @property
    def command(self) -> tuple[str, ...]:
        """Drop the old days."""
        return ("retain",)

    def finish(self, site: Site) -> None:
        """Drop them, and then there is nothing to run."""
        site.retain()
        site.run_days()

    @property
    def undisturbed(self) -> Outcome:
        """Both days are dropped."""
        return self.history.dropped

    @property
    def valid(self) -> Valid:
        """The lake stays as it is."""
        return Valid.of(self.history.exported)


class BeforeDetach(Retention):
    """A reader is in the way, so that the worker tries to detach again and again."""

    name = "retention, before DETACH"
    lasts_s = 0.6

    def has_begun(self, watch: Watch) -> bool:
        """It waits for the reader."""
        return watch.is_doing("ALTER TABLE")

    @contextmanager
    def in_the_way(self, site: Site) -> Iterator[None]:
        """Somebody reads, and takes the time for it."""
        with connect(site.url, autocommit=False) as reader:
            reader.execute("SELECT FROM meter_readings LIMIT 1")
            yield

    def where(self, watch: Watch) -> str:
        """As long as the ledger says exported."""
        return "detaching" if PartitionState.DROPPED not in watch.states().values() else ""


class AfterDetach(Retention):
    """The ledger says dropped, and the table is there: it is counted once more."""

    name = "retention, before DROP"

    def has_begun(self, watch: Watch) -> bool:
        """One is detached."""
        return bool(self._detached(watch))

    def where(self, watch: Watch) -> str:
        """As long as the table is not dropped."""
        return " and ".join(f"{stream} detached" for stream in self._detached(watch))

    def _detached(self, watch: Watch) -> list[Stream]:
        states = watch.states()
        return [stream for stream in states if states[stream] == PartitionState.DROPPED and watch.has_table(stream)]


class Importing(Phase):
    """Late readings of an exported day, chunk by chunk."""

    name = "import"
    begins_as = State.EXPORTED
    lasts_s = 1.5

    @property
    def command(self) -> tuple[str, ...]:
        """Import them."""
        return ("import", str(self.history.late_file))

    def has_begun(self, watch: Watch) -> bool:
        """The import is on record."""
        return watch.imported_lines() is not None

    def where(self, watch: Watch) -> str:
        """As long as it is not finished."""
        lines = watch.imported_lines()
        return "" if lines is None else f"after {lines:,} lines"

    def finish(self, site: Site) -> None:
        """The same import, and the days that it concerns."""
        site.import_and_run(self.history.late_file)

    @property
    def undisturbed(self) -> Outcome:
        """The first day is another version, and the next one begins from it."""
        return self.history.added_to

    @property
    def valid(self) -> Valid:
        """Each file is of the one or the other."""
        return Valid.of(self.history.exported, self.history.added_to)


class Restoring(Importing):
    """A dropped day comes back for the import."""

    name = "restoring"
    begins_as = State.DROPPED
    lasts_s = 0.8

    def has_begun(self, watch: Watch) -> bool:
        """The table beside the day's own name is there."""
        return any(watch.has_table(stream, "_restoring") for stream in Stream)

    def where(self, watch: Watch) -> str:
        """As long as one of the streams is not back."""
        dropped = [stream for stream, state in watch.states().items() if state == PartitionState.DROPPED]
        beside = any(watch.has_table(stream, "_restoring") for stream in Stream)
        return f"{len(dropped)} of 2 streams still dropped{', one half restored' if beside else ''}" if dropped else ""

    @property
    def undisturbed(self) -> Outcome:
        """As an undisturbed import into a dropped day."""
        return self.history.restored


UPKEEP_PHASES = (BeforeDetach, AfterDetach, Importing, Restoring)
"""In the order of a day's life."""
