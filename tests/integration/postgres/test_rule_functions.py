"""The functions and defaults that migrations made are those of the energy rule.

A change of the rule needs a new migration, which replaces them and queues what is to be restated.
"""

import re
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from warehouse.contract import energy, reporting
from warehouse.contract.energy import DeviceSettings
from warehouse.contract.tables import DeviceKind

SECONDS_AN_HOUR = 3600
NUMBERS: dict[str, list[float]] = {
    "register_cap_kwh": [SECONDS_AN_HOUR, energy.CAP_MARGIN, energy.CAP_BASE_KWH],
    "register_reaches": [
        energy.LARGEST_DIP_SHARE,
        energy.LONGEST_DIP_S,
        energy.TOLERANCE_KWH,
        energy.TOLERANCE_KWH,
    ],
    "register_only_grew": [0],
    "device_reporting": [reporting.STALE_INTERVALS, reporting.OFFLINE_S],
    "step_power_kw": [energy.GAP_INTERVALS, SECONDS_AN_HOUR, 0, SECONDS_AN_HOUR],
    "is_charging": [reporting.CHARGING_KW, reporting.CHARGING_TICKS, SECONDS_AN_HOUR, 0],
}


@pytest.mark.parametrize(("function", "numbers"), NUMBERS.items())
def test_a_function_has_the_numbers_of_the_rule(
    connection: psycopg.Connection, function: str, numbers: list[float]
) -> None:
    row = connection.execute("SELECT pg_get_function_sqlbody(%s::regproc)", [function]).fetchone()
    assert row is not None
    assert [float(number) for number in re.findall(r"(?<![\w.])\d[\d.]*(?:e-?\d+)?", row[0])] == numbers


@pytest.mark.parametrize("kind", list(DeviceKind))
def test_a_new_device_has_the_settings_of_the_contract(connection: psycopg.Connection, kind: DeviceKind) -> None:
    connection.execute(f"INSERT INTO {kind.devices} (external_id) VALUES ('d')".encode())
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(f"SELECT * FROM {kind.devices}".encode()).fetchone()
    assert row is not None
    registered: dict[str, Any] = {name: row[name] for name in DeviceSettings._fields}
    assert DeviceSettings(**registered) == DeviceSettings()
