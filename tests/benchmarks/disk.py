"""What a reading takes on disk, heap and index, on a day that was written in the order of arrival."""

from datetime import timedelta

from tests.benchmarks.figures import Bar, Figure
from tests.benchmarks.full_day import full_day, sizes
from tests.benchmarks.stand import Stand
from warehouse.postgres.connection import connect

BYTES = Bar("value", 120, 100, lower_is_better=True)


def measure(stand: Stand) -> None:
    """Tell the bytes of a reading."""
    with connect(stand.shared(full_day)) as connection:
        total_bytes, rows = sizes(connection, [stand.day - timedelta(days=1), stand.day])
    stand.report.add(Figure("disk_bytes_a_reading", total_bytes / rows, "bytes", bar=BYTES))
