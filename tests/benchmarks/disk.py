"""What a reading takes on disk, heap and index: on a day written in the order of arrival, and once its day is closed.

All but one or two of the days that PostgreSQL keeps are closed, so that is the figure that has a bar.
"""

import time
from datetime import timedelta

from tests.benchmarks.figures import Figure
from tests.benchmarks.full_day import full_day, sizes
from tests.benchmarks.stand import Stand
from warehouse.postgres.connection import connect
from warehouse.postgres.partitions.reindexing import reindex_closed_days


def measure(stand: Stand) -> None:
    """Tell the bytes of a reading."""
    days = [stand.day - timedelta(days=1), stand.day]
    with connect(stand.shared(full_day)) as connection:
        open_bytes, rows = sizes(connection, days)
        connection.execute("UPDATE partition_ledger SET state = 'sealed' WHERE day = ANY (%s)", [days])
        began = time.perf_counter()
        list(reindex_closed_days(connection))
        seconds = time.perf_counter() - began
        closed_bytes, _ = sizes(connection, days)
    stand.report.add(
        Figure("disk_bytes_a_reading_of_an_open_day", open_bytes / rows, "bytes"),
        Figure("disk_bytes_a_reading_of_a_closed_day", closed_bytes / rows, "bytes", open_bytes / rows),
        Figure("disk_packing_a_day", seconds, "s"),
    )
