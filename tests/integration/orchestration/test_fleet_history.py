"""The simulated fleet's past: imported once, and in the answers at once."""

import re
import time
from pathlib import Path

import psycopg

from orchestration.local.fleet_history import FILE_NAME, FleetHistory
from warehouse.postgres.hours.device_hours import write_closed_hours
from warehouse.settings import FleetSettings

FILLED_WITHIN_S = 60.0
FILLED = re.compile(r"history: [0-9,]+ readings of (1 day|2 days) imported").fullmatch
"""Two in the first hours of a day: yesterday is not closed by then, and part of the past all the same."""


def test_hours_that_were_written_before_the_past_was_there_are_put_right(
    database_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    write_closed_hours(connection, lambda _: None)
    said: list[str] = []
    settings = FleetSettings(_env_file=None, home=tmp_path)
    FleetHistory(settings, database_url, vehicles=2, days=1, say=said.append).begin(database_url)
    deadline = time.monotonic() + FILLED_WITHIN_S
    while time.monotonic() < deadline and not (said and FILLED(said[-1])):
        time.sleep(0.05)
    assert FILLED(said[-1])
    assert not (tmp_path / FILE_NAME).exists()
    stored = "SELECT (SELECT count(*) FROM meter_readings) + (SELECT count(*) FROM vehicle_readings)"
    (readings,) = connection.execute(stored).fetchone() or (0,)
    assert readings > 1000
    assert connection.execute("SELECT sum(reading_count) FROM device_hourly").fetchone() == (readings,)
