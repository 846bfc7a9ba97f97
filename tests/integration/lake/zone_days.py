"""Days long gone, imported and run in whatever zone this process finds itself, and what came of it."""

import hashlib
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from dbt_like_sql.catalog import Catalog
from tests.lake_folder import folder_snapshot, newest_file
from warehouse.lake.storage.lake import Lake
from warehouse.lake.views import open_lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.readings_import import import_file
from warehouse.settings import FleetSettings

DAYS = (
    date(2024, 2, 29),
    date(2024, 3, 10),  # New York goes forward by an hour at 07:00 UTC
    date(2024, 4, 6),  # Lord Howe goes back by half an hour at 15:00 UTC
)


def run_days(url: str, home: Path, readings: Path) -> dict[str, str]:
    """The SHA-256 of each file of the lake, and the hours that a query shows."""
    import_file(url, readings, FleetSettings(_env_file=None, database_url=url, home=home))
    pipeline = DailyPipeline(url, Lake(home / "lake"), Catalog.load())
    found = {}
    for day in DAYS:
        pipeline.run(day)
        for name in pipeline.catalog.models:
            content = newest_file(pipeline.lake, name, day).read_bytes()
            found[f"{name} of {day}"] = hashlib.sha256(content).hexdigest()
    with open_lake(folder_snapshot(pipeline.lake), pipeline.catalog.in_order(), None) as connection:
        hours = connection.execute(
            "SELECT day, min(hour)::VARCHAR, max(hour)::VARCHAR, count(DISTINCT hour) FROM hourly_energy GROUP BY day"
        )
        found |= {f"hours of {day}": f"{first} to {last}, {count}" for day, first, last, count in hours.fetchall()}
    return found


if __name__ == "__main__":
    url, home, readings = sys.argv[1:]
    offset = datetime(2024, 7, 1, tzinfo=UTC).astimezone().utcoffset()
    offset_s = offset.total_seconds() if offset else 0
    json.dump({"offset_s": offset_s, **run_days(url, Path(home), Path(readings))}, sys.stdout)
