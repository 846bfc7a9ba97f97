"""The stand of the warehouse: databases with days of the simulated fleet, and lakes beside them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from dbt_like_sql.catalog import Catalog
from tests.benchmarks.stand import Stand
from tests.benchmarks.warehouse.scale import WarehouseScale
from tests.benchmarks.warehouse.simulated_days import write_days
from tests.lake_folder import newest_file
from warehouse.contract.partitions import Stream, partition_name
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect

_HOMES = count(1)


@dataclass(frozen=True)
class Place:
    """A database and a lake: plain enough to be sent to another process."""

    url: str
    lake: Path
    day: date

    def pipeline(self) -> DailyPipeline:
        """The daily pipeline of its days, with the catalog as it is on disk."""
        return DailyPipeline(self.url, Lake(self.lake), Catalog.load())

    @property
    def home(self) -> Path:
        """The folder in which the product keeps that lake."""
        return self.lake.parent

    def close(self, days: Sequence[date]) -> None:
        """Let the grace of these days be over: from here on they are the product's to move on."""
        with connect(self.url) as connection:
            over = "UPDATE partition_ledger SET late_after = now(), seal_after = now() WHERE day = ANY(%s)"
            connection.execute(over, [list(days)])

    def close_day(self) -> None:
        """The same of its own day."""
        self.close([self.day])

    def forget_export(self, stream: Stream) -> None:
        """Let the readings of the day be exported again."""
        with connect(self.url) as connection:
            forget = "UPDATE partition_ledger SET state = 'sealed' WHERE day = %s AND stream = %s"
            connection.execute(forget, [self.day, stream])

    def heap_bytes(self) -> int:
        """Of the readings of the day, without their indexes."""
        with connect(self.url) as connection:
            names = [partition_name(stream, self.day) for stream in Stream]
            query = "SELECT sum(pg_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name"
            row = connection.execute(query, [names]).fetchone()
        return int(row[0]) if row else 0

    def parquet_bytes(self) -> int:
        """Of the readings of the day in the lake."""
        return sum(newest_file(Lake(self.lake), stream, self.day).stat().st_size for stream in Stream)


class WarehouseStand(Stand):
    """What the figures of the warehouse are measured on."""

    scale: WarehouseScale

    @contextmanager
    def day_as_written(self) -> Iterator[Place]:
        """A full-size day that is over and not sealed yet, in a database and with a lake of its own."""
        with self.database(self.shared(_full_day)) as url:
            yield self.place(url)

    def exported_day(self) -> Place:
        """The same day, sealed and exported; one for all who ask."""
        url = self.shared(_closed_day)
        place = Place(url, self.home / "exported" / "lake", self.day)
        if not place.lake.exists():
            pipeline = place.pipeline()
            pipeline.seal(self.day)
            for stream in Stream:
                pipeline.export(stream, self.day)
        return place

    def place(self, url: str, day: date | None = None) -> Place:
        """A new lake for a database."""
        return Place(url, self.home / f"home-{next(_HOMES)}" / "lake", day or self.day)


@contextmanager
def _full_day(stand: Stand) -> Iterator[str]:
    with stand.database() as url:
        rows = 2 * stand.scale.devices * 1440
        stand.report.say(f"  writing a day of some {rows:,} readings")
        write_days(url, stand.scale.devices, [stand.day])
        yield url


@contextmanager
def _closed_day(stand: Stand) -> Iterator[str]:
    with stand.database(stand.shared(_full_day)) as url:
        Place(url, stand.home, stand.day).close_day()
        yield url
