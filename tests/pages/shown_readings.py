"""A day and a quarter of readings of a fleet: who charged, who charges, who fell silent, and a charger that loses."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from warehouse.postgres.hours.device_hours import write_closed_hours

STEP = timedelta(minutes=5)
STEPS = 12 * 30
CHARGE_STEPS = 29
POWER_KW, IDLE_KW = 7.0, 0.006
SILENT = {7: 60, 8: 1}
"""How many steps ago these fell silent: one is offline, one stale."""
LOST_HOURS = {6: (100, 118)}
"""Steps in which this one's vehicle sent nothing."""


def efficiency(number: int) -> float:
    """How much of the AC reaches the battery of this pair."""
    return {1: 0.815, 2: 0.852}.get(number, 0.905 - 0.002 * (number % 7))


def add_readings(client: httpx.Client, connection: psycopg.Connection, names: dict[int, tuple[str, str]]) -> None:
    """Readings each five minutes up to now, and the closed hours that they come to. ``names``: vehicle and meter."""
    for name, kind in (
        (name, kind) for pair in names.values() for name, kind in zip(pair, ("vehicles", "meters"), strict=True)
    ):
        assert client.patch(f"/v1/{kind}/{name}", json={"expectedIntervalSeconds": 300}).status_code == 200
    for number, (vehicle, meter) in names.items():
        readings = list(_readings(number, vehicle, meter, now_s()))
        for batch in (readings[:-2], readings[-2:]):  # what a device does now is told from two batches
            answer = client.post("/v1/telemetry", json=batch)
            assert answer.json()["rejected"] == 0, answer.text
    write_closed_hours(connection, lambda _: None)


def _readings(number: int, vehicle: str, meter: str, until: datetime) -> Iterator[dict[str, Any]]:
    ac, dc, soc = 12_000.0 + 31 * number, 8_000.0 + 27 * number, 30.0 + number
    begins = [STEPS - 12 * 14 - 3 * number, STEPS - 6 - number] if number % 3 == 0 else [STEPS - 12 * 14 - 3 * number]
    silent, lost = SILENT.get(number, 0), LOST_HOURS.get(number, (0, 0))
    for step in range(STEPS + 1 - silent):
        charges = any(begin < step <= begin + CHARGE_STEPS for begin in begins)
        ac += (POWER_KW if charges else IDLE_KW) / 12
        dc += POWER_KW * efficiency(number) / 12 if charges else 0.0
        soc = min(97.0, soc + 0.9) if charges else max(20.0, soc - 0.04)
        timestamp = iso(until - (STEPS - step) * STEP)
        voltage = 232.0 - (3.0 if charges else 0.0) + (step % 7) / 5
        yield meter_payload(meterId=meter, kwhConsumedAc=round(ac, 3), voltage=round(voltage, 1), timestamp=timestamp)
        if not lost[0] <= step < lost[1]:
            heat = 14.0 + (9.0 if charges else 0.0) + (step % 24) / 12
            yield vehicle_payload(
                vehicleId=vehicle,
                kwhDeliveredDc=round(dc, 3),
                soc=round(soc, 1),
                batteryTemp=round(heat, 1),
                timestamp=timestamp,
            )
