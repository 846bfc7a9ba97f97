"""The machine's zone changes nothing: not a byte of a leap day, nor of one on which clocks are put forward or back."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import fresh_database
from tests.factories import meter_payload, ramp, vehicle_payload
from tests.integration.lake.zone_days import DAYS, run_days
from warehouse.contract.partitions import midnight

ROOT = Path(__file__).parents[3]
EVERY_MINUTES = 20


@pytest.fixture
def readings(tmp_path: Path) -> Path:
    """Two devices that report from midnight to midnight, UTC."""
    path = tmp_path / "readings.ndjson"
    with path.open("w") as file:
        for number, day in enumerate(DAYS):
            for payload, register in ((meter_payload, "kwhConsumedAc"), (vehicle_payload, "kwhDeliveredDc")):
                minutes = ramp(payload, register, midnight(day), 1440, 1000.0 * (1 + number), 0.1)
                file.writelines(f"{json.dumps(reading)}\n" for reading in minutes[::EVERY_MINUTES])
    return path


@pytest.mark.long
def test_days_come_to_the_same_bytes_in_every_zone(
    server_url: str, template: str, readings: Path, tmp_path: Path
) -> None:
    with fresh_database(server_url, template) as url:
        here = run_days(url, tmp_path / "here", readings)
    assert [here[f"hours of {day}"] for day in DAYS] == [
        f"{day} 00:00:00+00 to {day} 23:00:00+00, {timedelta(days=1) // timedelta(hours=1)}" for day in DAYS
    ]
    for zone in ("America/New_York", "Australia/Lord_Howe"):
        with fresh_database(server_url, template) as url:
            done = subprocess.run(
                [sys.executable, "-m", "tests.integration.lake.zone_days", url, tmp_path / zone, readings],
                env={**os.environ, "TZ": zone},
                cwd=ROOT,
                check=True,
                capture_output=True,
            )
        there = json.loads(done.stdout)
        assert there.pop("offset_s") != 0, f"this machine does not know {zone}"
        assert there == here
