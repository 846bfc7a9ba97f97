"""Days of a pair whose charger loses more from the third day on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from dbt_like_sql.catalog import Catalog
from tests.conftest import fresh_database
from tests.integration.lake.drawn_days import add_pair, run_what_is_queued, stored
from tests.unit.sessions.drawn import Drawn, Flow, Register, at
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect

DAYS = [date(2026, 2, 8) + timedelta(days=number) for number in range(3)]
CHARGES_A_DAY = 8
CHARGES = [
    Flow(at(f"{3 * number:02}:30", day), at(f"{3 * number + 1:02}:30", day), 7.4)
    for day in range(3)
    for number in range(CHARGES_A_DAY)
]
CHANGED = 2 * CHARGES_A_DAY
"""From this charge on the car gets 0.84 of what the meter counts; 0.9 before."""
LATE = [(at("03:35"), at("04:25"))]
"""Of the second charge of the first day."""


def fleet(lost: Sequence[tuple[datetime, datetime]] = ()) -> Drawn:
    dc = [flow._replace(kw=flow.kw * (0.9 if place < CHANGED else 0.84)) for place, flow in enumerate(CHARGES)]
    end = at("23:50", 2)
    meter = Register(CHARGES, interval_s=600, last_at=end)
    return Drawn({1: meter}, {1: Register(dc, interval_s=600, last_at=end, lost=lost)})


@contextmanager
def lossy_days(server_url: str, template: str, folder: Path, catalog: Catalog) -> Iterator[DailyPipeline]:
    """The days, run; readings of a charge of the first day are missing. Its database is gone at the end."""
    with fresh_database(server_url, template) as url:
        pipeline = DailyPipeline(url, Lake(folder / "lake"), catalog)
        with connect(url) as connection:
            add_pair(connection)
            stored(url, fleet(LATE), folder)
            assert run_what_is_queued(pipeline, connection) == DAYS
        yield pipeline
