"""The declared checks of a dataset on the files of a day, whether readers see these yet or not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import duckdb

from dbt_like_sql.catalog import Catalog
from warehouse.contract.errors import FleetwattError
from warehouse.counted import counted
from warehouse.lake.models import CheckResult, run_check
from warehouse.lake.snapshot import Snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.lake.views import add_views, another_session, hold_rows
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.gaps import NOTHING
from warehouse.postgres.ledger.lake_files import list_files_to_read
from warehouse.postgres.ledger.models import model_inputs

HELD_BYTES = 4_000_000
"""Of Parquet: up to so many are read into memory, some ten times as many there."""


class CheckFailedError(FleetwattError):
    """A check of the day's data failed"""

    code = "check_failed"


@dataclass(frozen=True)
class DayChecks:
    """The checks of all datasets; ``engine`` computes them, each time in a session of its own."""

    url: str
    engine: duckdb.DuckDBPyConnection
    lake: Lake
    catalog: Catalog

    def run(self, dataset: str, day: date) -> list[CheckResult]:
        """Run the checks of one dataset on a day."""
        model = self.catalog.models[dataset]
        # What the checks read is opened and no more.
        read = {name for check in model.checks for name in check.depends_on}
        with connect(self.url) as connection, another_session(self.engine) as session:
            files = list_files_to_read(connection, read, day, model.lookback_days)
            read_then = model_inputs(connection, dataset, day)
            files = [file for file in files if read_then.get((file.dataset, file.day)) != NOTHING]
            models = [self.catalog.models[name] for name in read]
            # Some checks a dataset: of few rows most of their time would go into opening files again.
            is_small = sum(file.size_bytes for file in files) <= HELD_BYTES
            (hold_rows if is_small else add_views)(
                session, Snapshot.of(self.lake, files), models, day, model.lookback_days
            )
            return [run_check(session, check) for check in model.checks]

    def require(self, dataset: str, day: date, say: Callable[[str], None] = lambda _message: None) -> None:
        """Run the checks of one dataset on a day, say which warn, and stop at one that failed.

        Raises:
            CheckFailedError: it says in plain words what is wrong.
        """
        results = self.run(dataset, day)
        for result in results:
            if not result.passed and not result.stops:
                say(f"{day}: warning: {_in_words(result)}")
        if failed := [result for result in results if result.stops]:
            raise CheckFailedError(f"{dataset} of {day}: {'; '.join(map(_in_words, failed))}")


def _in_words(result: CheckResult) -> str:
    return f"{result.check.description} ({counted(result.failing_rows, 'row')})"
