"""Real registers through the product: imported, and answered by the endpoint day by day.

The files are public measurements (a house's P1 meter, one vehicle's charge); they are not part of this repository.
"""

import gzip
import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.factories import iso
from warehouse.contract.energy import DeviceSettings, Sample, increase_kwh
from warehouse.lifecycle.readings_import import import_file
from warehouse.settings import FleetSettings

DATA = Path(__file__).parents[4] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"real measurements are not at {DATA}")


def rows(name: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / name, "rt") as file:
        return [json.loads(line) for line in file]


def imported(url: str, name: str) -> int:
    return import_file(url, DATA / name, FleetSettings(_env_file=None)).accepted


def answer(api: httpx.Client, vehicle: str, at: datetime, hours: int = 24) -> dict[str, Any]:
    answered = api.get(f"/v1/analytics/performance/{vehicle}", params={"at": iso(at), "hours": hours})
    assert answered.status_code == 200, answered.text
    return dict(answered.json())


def test_a_real_meter_answers_each_full_days_increase(
    api: httpx.Client, connection: psycopg.Connection, database_url: str
) -> None:
    assert imported(database_url, "p1mon_min_ac.ndjson.gz") == 43_980
    assert connection.execute("SELECT count(voltage_volts) FROM meter_readings").fetchall() == [(0,)]
    api.post("/v1/mappings", json={"vehicleId": "obd-2023051609", "meterId": "p1mon-1"})
    by_day: dict[date, list[Sample]] = defaultdict(list)
    for row in rows("p1mon_min_ac.ndjson.gz"):
        ts = datetime.fromisoformat(row["timestamp"])
        by_day[ts.date()].append(Sample(ts, row["kwhConsumedAc"]))
    assert len(by_day) == 32
    answered = 0.0
    for day, samples in by_day.items():
        end = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
        measured = answer(api, "obd-2023051609", end)
        assert measured["acKwh"] == pytest.approx(increase_kwh(samples, DeviceSettings()), abs=0.0006), day
        answered += measured["acKwh"]
        if len(samples) == 1440:
            plain = samples[-1].kwh - samples[0].kwh
            assert measured["acKwh"] == pytest.approx(plain, abs=0.0006), day
            assert measured["acCoverage"] == 1.0
        assert (measured["dcKwh"], measured["status"]) == (None, "no_readings")
    # Windows use only their own samples: what lies between two days' samples is the whole register's, not a window's.
    assert 640 < answered < 662.442


def test_a_real_charge_is_reproduced(api: httpx.Client, database_url: str) -> None:
    charge = rows("gueni_vehicle_dc.ndjson.gz")
    assert imported(database_url, "gueni_vehicle_dc.ndjson.gz") == len(charge) == 1402
    api.post("/v1/mappings", json={"vehicleId": "obd-2023051609", "meterId": "p1mon-1"})
    end = datetime.fromisoformat(charge[-1]["timestamp"]) + timedelta(seconds=1)
    measured = answer(api, "obd-2023051609", end, hours=1)
    in_window = [row for row in charge if datetime.fromisoformat(row["timestamp"]) >= end - timedelta(hours=1)]
    expected_kwh = in_window[-1]["kwhDeliveredDc"] - in_window[0]["kwhDeliveredDc"]
    assert measured["dcKwh"] == pytest.approx(expected_kwh, abs=0.0006)
    mean_celsius = sum(row["batteryTemp"] for row in in_window) / len(in_window)
    assert measured["avgBatteryTemp"] == pytest.approx(mean_celsius, abs=0.006)
    state = api.get("/v1/vehicles/obd-2023051609").json()
    assert (state["soc"], state["kwhDeliveredDc"]) == (charge[-1]["soc"], charge[-1]["kwhDeliveredDc"])
