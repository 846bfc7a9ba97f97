"""Days that were run once, for tests that each change a copy of them: to run a day costs more than a second."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from tests.conftest import fresh_database
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline


@contextmanager
def copy_of(made: DailyPipeline, server_url: str, folder: Path) -> Iterator[DailyPipeline]:
    """A copy of its database and of its lake, gone at the end. Nobody may be connected to the original."""
    lake = Lake(shutil.copytree(made.lake.root, folder / "lake"))
    with fresh_database(server_url, str(conninfo_to_dict(made.url)["dbname"])) as url:
        yield DailyPipeline(url, lake, made.catalog)
