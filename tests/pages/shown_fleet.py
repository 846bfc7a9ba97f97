"""A fleet to look at: findings of every kind with what they are based on, some of them in people's hands."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import psycopg

from tests.copied_charging import charging_day, session, standby
from tests.integration.postgres.telling import tell
from tests.pages.shown_readings import add_readings
from tests.told_findings import lake_id, told
from warehouse.contract.partitions import midnight
from warehouse.postgres.charging.charging_store import replace_day
from warehouse.postgres.charging.copied_rows import lock_charging

VEHICLES = 24
DAYS = 40
MARKUP = "<img/src=x>'\"&"
"""No id that the API takes, written past it."""
OF_MARKUP = 5
"""The vehicle that is called so."""
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
ONSET = YESTERDAY - timedelta(days=16)


def vehicle(number: int) -> str:
    """What a vehicle is called."""
    return f"van-{number:02}"


def dock(number: int) -> str:
    """What its charger is called."""
    return f"dock-{number:02}"


def finding_url(connection: psycopg.Connection, name: str) -> str:
    """Where a finding is shown."""
    row = connection.execute("SELECT finding_id FROM findings WHERE lake_id = %s", [lake_id(name)]).fetchone()
    assert row
    return f"/findings/{row[0]}"


def add_fleet(client: httpx.Client, connection: psycopg.Connection) -> None:
    """Vehicles at their chargers, forty days of sessions, and what was found in them."""
    for number in range(1, VEHICLES + 1):
        answer = client.post("/v1/mappings", json={"vehicleId": vehicle(number), "meterId": dock(number)})
        assert answer.status_code == 201, answer.text
    numbers = _numbers(connection)
    for back in range(DAYS):
        day = YESTERDAY - timedelta(days=back)
        with connection.transaction():
            lock_charging(connection)
            replace_day(connection, charging_day(day, list(_sessions(day, numbers)), list(_standby(day, numbers))))
    tell(connection, list(_findings(numbers)), YESTERDAY)
    add_readings(client, connection, {number: (vehicle(number), dock(number)) for number in numbers})
    rename = b"UPDATE vehicles SET external_id = %s WHERE external_id = %s"
    connection.execute(rename, [MARKUP, vehicle(OF_MARKUP)])


def _numbers(connection: psycopg.Connection) -> dict[int, tuple[int, int]]:
    query = (
        "SELECT vehicle_id, meter_id FROM vehicles, meters WHERE vehicles.external_id = %s AND meters.external_id = %s"
    )
    found = {}
    for number in range(1, VEHICLES + 1):
        row = connection.execute(query, [vehicle(number), dock(number)]).fetchone()
        assert row
        found[number] = row[0], row[1]
    return found


def _sessions(day: date, numbers: dict[int, tuple[int, int]]) -> Iterator[dict[str, Any]]:
    for number, (vehicle_id, meter_id) in numbers.items():
        ended_at = midnight(day) + timedelta(hours=7, minutes=number * 7)
        loss = 0.09 if number == 1 and day >= ONSET else 0.05 if number == 2 and day >= ONSET else 0.0
        ratio = 0.905 - loss + 0.008 * math.sin(day.toordinal() * 2.1 + number)
        is_short = (day.toordinal() + number) % 9 == 0
        ac_kwh = 0.8 if is_short else 11.0 + 4 * math.sin(day.toordinal() + number)
        yield session(
            session_id=f"{dock(number)}-{day}",
            vehicle_id=vehicle_id,
            meter_id=meter_id,
            started_at=ended_at - timedelta(hours=2.4),
            ended_at=ended_at,
            ac_kwh=ac_kwh,
            dc_kwh=ac_kwh * (ratio - 0.06 * is_short),
            efficiency_ratio=ratio - 0.06 * is_short,
            mean_battery_temp_celsius=9 + 5 * math.sin(day.toordinal() / 9),
            is_qualified=not is_short,
        )


def _standby(day: date, numbers: dict[int, tuple[int, int]]) -> Iterator[dict[str, Any]]:
    for number, (_, meter_id) in numbers.items():
        leaks = number == 3 and day >= ONSET
        watts = 6.0 + (48 if leaks else 0) + 1.5 * math.sin(day.toordinal() + number)
        yield standby(meter_id=meter_id, idle_watts=watts, idle_kwh=watts * 0.02)


def _findings(numbers: dict[int, tuple[int, int]]) -> Iterator[dict[str, Any]]:
    def pair(called: str, number: int, /, **values: Any) -> dict[str, Any]:
        vehicle_id, meter_id = numbers[number]
        subject = f"vehicle {vehicle(number)} at meter {dock(number)}"
        given = {"opened_on": ONSET + timedelta(days=4), "onset_at": midnight(ONSET), "subject": subject}
        return told(called, **(given | {"vehicle_id": vehicle_id, "meter_id": meter_id} | values))

    onset = {"onset_from": midnight(ONSET) - timedelta(hours=30), "onset_until": midnight(ONSET) + timedelta(hours=26)}
    yield pair(
        *("loss", 1),
        **onset,
        severity="critical",
        points=8.8,
        z=11.4,
        excess_kwh=18.9,
        excess_low_kwh=16.2,
        excess_high_kwh=21.6,
        kwh_per_month=35.4,
        cost=5.86,
        cost_per_month=10.97,
        cause="charger_or_car",
        cause_probability=0.97,
        deciding_test="two or three charges of the vehicle elsewhere, or of another vehicle here, decide which",
        detail=f"8.8 points of the efficiency are lost since {ONSET}: 18.9 kWh in 16 sessions",
    )
    yield pair(
        *("smaller", 2),
        **onset,
        points=4.9,
        z=7.2,
        excess_kwh=9.7,
        excess_low_kwh=7.1,
        excess_high_kwh=12.3,
        kwh_per_month=18.2,
        cost=3.01,
        cost_per_month=5.64,
        cause="undecided",
        cause_probability=0.61,
        detail=f"4.9 points of the efficiency are lost since {ONSET}: 9.7 kWh in 15 sessions",
    )
    of_meter = {"subject_kind": "meter", "vehicle_id": None, "points": None, "cause": None, "session_count": None}
    leak = of_meter | {"rule": "R4", "name": "leakage", "subject": f"meter {dock(3)}", "severity": "warning"}
    yield pair(
        *("leak", 3),
        **leak,
        kwh_per_month=34.6,
        excess_kwh=18.4,
        cost=5.7,
        cost_per_month=10.7,
        detail="48 W between sessions, 41 W more than its own beginning",
    )
    still = {"rule": "R6", "name": "frozen_meter", "kind": "data", "severity": "critical", "points": None}
    unknown = {"cause": None, "excess_kwh": None, "kwh_per_month": None, "cost": None, "cost_per_month": None}
    yield pair(
        "frozen", 4, **still, **unknown, currency=None, detail="the battery got 9.1 kWh and 7.7 kWh, the meter 0"
    )
    clock = {
        "rule": "R8",
        "name": "clock",
        "kind": "data",
        "severity": "info",
        "points": None,
        "subject_kind": "vehicle",
    }
    yield pair(
        "clock",
        5,
        **clock,
        **unknown,
        currency=None,
        subject=f"vehicle {vehicle(5)}",
        detail="its clock is 58 min late",
    )
