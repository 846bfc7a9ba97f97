"""What a scenario works with: its scale, its findings, a product and a ledger of its own."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.audit import audit
from tests.faults.book import Book
from tests.faults.product import Product
from tests.faults.verdict import Findings


@dataclass(frozen=True)
class FaultScale:
    """How often and how long: the specification's numbers, or small ones that only show that everything works.

    None of them is a size of the benches, so this is no ``tests.benchmarks.scale.Scale``.
    """

    kills: int = 20
    single_kills: int = 5
    """Of one process, where the others go on."""
    freeze_s: float = 30.0
    steady_s: float = 15.0
    """How long p99 is measured for where it is to be compared."""
    repeats: int = 100
    overload_s: float = 300.0
    flood_s: float = 30.0
    flood_connections: int = 96
    slow_clients: int = 500
    slow_s: float = 40.0
    slow_rounds: int = 3
    stalled_bodies: int = 128
    """Of 2 MiB: as much as all workers may hold."""
    many_connections: int = 2000
    many_s: float = 20.0
    open_files: int = 1024
    """Of each worker, where there are many connections."""
    full_s: float = 10.0
    """How long the disk stays full."""
    clock_devices: int = 500
    """Of each kind, for each way in which a clock can be wrong."""
    bad_bodies: int = 1_000_000
    made_by_hypothesis: int = 20_000
    openapi_examples: int = 200
    """Of each operation."""
    day_devices: int = 60
    """Of each kind, a reading a minute."""
    day_kills: int = 10
    """That hit, in each phase of a day's life."""
    day_meetings: int = 4
    """Of each two workers."""
    backup_devices: int = 10_000
    """Of each kind, on the full-size day; a tenth of them on three days more."""
    backup_instants: int = 4
    """Chosen at random, and restored to."""
    upgraded_schemas: int = 1000
    """So many of the earlier ones, the first release's and the newest among them: all."""
    upgrade_kills: int = 2
    """Of the upgrade of each."""


QUICK = FaultScale(
    kills=2,
    single_kills=1,
    freeze_s=5.0,
    steady_s=3.0,
    repeats=10,
    overload_s=10.0,
    flood_s=5.0,
    flood_connections=16,
    slow_clients=60,
    slow_rounds=1,
    stalled_bodies=128,
    many_connections=800,
    many_s=6.0,
    open_files=400,
    full_s=3.0,
    clock_devices=20,
    bad_bodies=20_000,
    made_by_hypothesis=1_000,
    openapi_examples=10,
    day_devices=20,
    day_kills=1,
    day_meetings=1,
    backup_devices=40,
    backup_instants=2,
    upgraded_schemas=2,
    upgrade_kills=1,
)


@dataclass
class Stage:
    """One scenario's. ``folder`` is empty, on a disk, and open to the account that PostgreSQL runs under."""

    folder: Path
    scale: FaultScale
    findings: Findings
    seed: int

    def __post_init__(self) -> None:
        """What is drawn at random comes from here."""
        self.drawn = random.Random(self.seed)  # noqa: S311 - to be repeatable is the point

    def product(self, *, home: Path | None = None, open_files: int | None = None, **settings: str) -> Product:
        """A product that nobody else uses, with these FLEET_* settings."""
        return Product(self.folder, settings, home=home, open_files=open_files)

    @contextmanager
    def book(self, product: Product, *, others_write: bool = False) -> Iterator[Book]:
        """A ledger for clients; at the end of the block it is held against the database.

        Where ``others_write``, the database may hold readings that are in no ledger.
        """
        with Book(self.folder, product.api.port) as book:
            yield book
        findings = self.findings
        in_flight = sum(clients.readings_in_flight for clients in book.groups)
        surprises = [surprise for clients in book.groups for surprise in clients.surprises]
        findings.figure("readings_in_flight", in_flight)
        findings.figure("heard_late", sum(clients.heard_late for clients in book.groups))
        findings.require("answers account for what was sent", not surprises, surprises[:3] or "")
        found = audit(product.url, book.acknowledged.path, book.unanswered.path, product.began_at)
        findings.ledger(found, in_flight, others_write=others_write)
        findings.figure("exceptions_in_the_api_log", product.api.exceptions())
