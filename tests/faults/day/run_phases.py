"""The phases of a day's run: from the seal to the last model."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from tests.faults.day.history import DAY, History
from tests.faults.day.phases import Phase
from tests.faults.day.site import CATALOG, Site
from tests.faults.day.watch import Watch
from tests.lake_folder import has_file
from warehouse.contract.partitions import PartitionState, Stream
from warehouse.lake.provenance import ENERGY
from warehouse.postgres.connection import connect

MODELS = [model.name for model in CATALOG.in_order() if model.kind == "sql"]


class BeforeSeal(Phase):
    """Somebody holds the day's rows of the ledger, so that the seal waits for them."""

    name = "before the seal commits"
    lasts_s = 0.1

    def has_begun(self, watch: Watch) -> bool:
        """It waits."""
        return watch.is_doing("%UPDATE partition_ledger")

    @contextmanager
    def in_the_way(self, site: Site) -> Iterator[None]:
        """A transaction that does nothing with what it holds."""
        with connect(site.url, autocommit=False) as holder:
            holder.execute("SELECT FROM partition_ledger WHERE day = %s FOR UPDATE", [DAY])
            yield

    def where(self, watch: Watch) -> str:
        """The session of a killed worker seals all the same, if its lock comes before the news of the kill."""
        is_sealed = PartitionState.SEALED in watch.states().values()
        return "the seal waited" + (", and was set after the kill" if is_sealed else "")


class Sealing(Phase):
    """From the ledger's word to the end of the vacuum."""

    name = "sealing"
    lasts_s = 0.1

    def has_begun(self, watch: Watch) -> bool:
        """What is sealed is vacuumed next."""
        return PartitionState.SEALED in watch.states().values()

    def where(self, watch: Watch) -> str:
        """As long as nothing is exported."""
        return "" if watch.written_aside() or watch.versions() else "sealed, vacuum"


class Exporting(Phase):
    """From the first byte of a stream's file to its verification."""

    name = "exporting"
    lasts_s = 0.4

    def __init__(self, history: History, drawn: Random) -> None:
        """Either stream."""
        super().__init__(history, drawn)
        self.stream = drawn.choice(list(Stream))

    def has_begun(self, watch: Watch) -> bool:
        """The file that is written aside is there."""
        return self.stream in watch.written_aside()

    def where(self, watch: Watch) -> str:
        """As long as the file is not announced."""
        size_bytes = watch.written_aside().get(self.stream)
        if size_bytes is None or watch.published(self.stream):
            return ""
        return "nothing written" if size_bytes == 0 else "written in part or not verified"


class Publishing(Phase):
    """Between a file in its place and the ledger that points to it."""

    name = "between file and ledger"
    poll_s = 0.0002

    def __init__(self, history: History, drawn: Random) -> None:
        """Any dataset."""
        super().__init__(history, drawn)
        self.dataset = drawn.choice(list(CATALOG.models))

    def has_begun(self, watch: Watch) -> bool:
        """The first version of the file is in its place."""
        return has_file(watch.site.lake, self.dataset, DAY)

    def where(self, watch: Watch) -> str:
        """The ledger does not know the file."""
        return self.dataset if watch.is_put_and_unknown(self.dataset) else ""


class Energy(Phase):
    """The energy rule, its two files and their checks."""

    name = "energy"
    lasts_s = 0.4

    def has_begun(self, watch: Watch) -> bool:
        """What it begins from is there."""
        return "carried_samples" in watch.versions()

    def where(self, watch: Watch) -> str:
        """As long as one of its files is not confirmed."""
        made = [name for name in ENERGY if name in watch.versions()]
        return "" if len(made) == len(ENERGY) else f"{len(made)} of {len(ENERGY)} files made"


class Modelling(Phase):
    """The SQL models and their checks."""

    name = "models"
    lasts_s = 1.0

    def has_begun(self, watch: Watch) -> bool:
        """The energy step is done."""
        return ENERGY[-1] in watch.versions()

    def where(self, watch: Watch) -> str:
        """As long as one of them is not confirmed."""
        made = sum(name in watch.versions() for name in MODELS)
        return "" if made == len(MODELS) else f"{made} of {len(MODELS)} models made"


RUN_PHASES = (BeforeSeal, Sealing, Exporting, Publishing, Energy, Modelling)
"""In the order of a run."""
