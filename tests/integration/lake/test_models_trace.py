"""``fleetwatt models trace``: a number of a mart, and the readings that it comes from."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer
from typer.testing import CliRunner, Result

from dbt_like_sql.catalog import Catalog, Column, ColumnSource
from orchestration.cli.models.commands import models
from tests.integration.lake.hand_made_lake import CATALOG, DAY, HandMadeLake, at
from tests.lake_folder import newest_file, put_next
from warehouse.lake.trace import TracedDevice, trace

app = typer.Typer(rich_markup_mode=None)
app.add_typer(models, name="models")

CLOCKS = ("07:30", "08:30", "09:30")
REGISTERS = {
    ("meter", 1): (100.0, (104.0, 109.0, 110.0)),
    ("vehicle", 1): (50.0, (53.5, 58.0, 57.9)),
    ("meter", 2): (7.0, (9.0, 9.0, 9.0)),
    ("vehicle", 2): (3.0, (4.5, 4.5, 4.5)),
}
"""What each showed before the day, and on it. The first vehicle steps back at half past nine."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> HandMadeLake:
    """Two pairs, of which the second vehicle is on the first meter from nine o'clock on."""
    lake = HandMadeLake(tmp_path_factory.mktemp("home") / "lake")
    for number in (1, 2):
        lake.device("meter", number)
        lake.device("vehicle", number)
    lake.map(1, 1, until=at("09:00"))
    lake.map(2, 2, until=at("09:00"))
    lake.map(2, 1, since=at("09:00"))
    for (kind, number), (carried_kwh, registers) in REGISTERS.items():
        lake.add(
            "carried_samples", kind=kind, device_id=number, ts=at("23:30", DAY - timedelta(days=1)), kwh=carried_kwh
        )
        lake.add("device_last", kind=kind, device_id=number, ts=at("09:30"), kwh=registers[-1])
        for clock, before_kwh, kwh in zip(CLOCKS, (carried_kwh, *registers), registers, strict=False):
            lake.add(f"{kind}_readings", **{f"{kind}_id": number}, ts=at(clock), kwh=kwh)
            segment = {"segment_from": at("09:00")} if clock > "09:00" else {}
            counts = {"reading_count": 1, "dip_count": int(kwh == 57.9)}
            lake.energy(kind, number, int(clock[:2]), kwh - before_kwh, **counts, **segment)
    lake.add(
        "flagged_steps", kind="vehicle", device_id=1, ts=at("09:30"), before_ts=at("08:30"), before_kwh=58.0, kwh=57.9,
        energy_kwh=-0.1, flag="dip",
    )  # fmt: skip
    lake.write()
    lake.build()
    return lake


def run(lake: HandMadeLake, *arguments: str) -> Result:
    home = str(lake.lake.root.parent)
    return CliRunner().invoke(app, ["models", "trace", *arguments, "--day", str(DAY), "--home", home])


def traced(lake: HandMadeLake, *arguments: str) -> dict[str, Any]:
    result = run(lake, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def devices(said: dict[str, Any]) -> list[str]:
    return [each["externalId"] for each in said["devices"]]


def test_ac_of_a_vehicle_comes_from_its_meter_while_that_was_its_own(lake: HandMadeLake) -> None:
    said = traced(lake, "daily_vehicle_efficiency", "ac_kwh", "--key", "vehicle_external_id=vehicle-1")
    assert (said["value"], said["remade"], said["isWhole"]) == (9.0, 9.0, True)
    assert said["steps"] == [
        {"dataset": "hourly_vehicle_efficiency", "column": "ac_kwh", "rows": 9, "sum": 9.0},
        {"dataset": "hourly_energy", "column": "energy_kwh", "rows": 2, "sum": 9.0},
    ]
    (meter,) = said["devices"]
    assert (meter["externalId"], meter["energyKwh"], meter["readingCount"], meter["exportedCount"]) == (
        "meter-1", 9.0, 2, 2,
    )  # fmt: skip
    assert (meter["beforeKwh"], meter["firstKwh"], meter["lastKwh"]) == (100.0, 104.0, 109.0)
    assert meter["lastTs"] == "2026-02-08T08:30:00+00:00"
    assert meter["lateCount"] is None  # without the ledger nobody knows


def test_a_vehicle_that_changed_its_meter_has_both(lake: HandMadeLake) -> None:
    said = traced(lake, "daily_vehicle_efficiency", "ac_kwh", "--key", "vehicle_id=2")
    assert (said["value"], devices(said)) == (3.0, ["meter-2", "meter-1"])
    assert [(each["beforeKwh"], each["lastKwh"]) for each in said["devices"]] == [(7.0, 9.0), (109.0, 110.0)]


def test_a_ratio_comes_from_both_sides_and_tells_what_is_doubtful(lake: HandMadeLake) -> None:
    said = traced(lake, "hourly_energy", "energy_kwh", "--key", "kind=vehicle", "--key", "device_id=1",
                  "--key", "hour=2026-02-08T09:00:00Z")  # fmt: skip
    assert (devices(said), said["flagCount"], said["flags"][0]["flag"]) == (["vehicle-1"], 1, "dip")
    assert said["devices"][0]["beforeKwh"] == 58.0
    said = traced(lake, "daily_meter_efficiency", "efficiency_ratio", "--key", "meter_id=1")
    assert devices(said) == ["meter-1", "vehicle-1", "vehicle-2"]
    assert said["isWhole"]


def test_a_number_of_the_fleet_comes_from_all_and_some_are_listed(lake: HandMadeLake) -> None:
    shown = run(lake, "daily_fleet_efficiency", "metered_ac_kwh", "--limit", "1").stdout
    assert "daily_fleet_efficiency.metered_ac_kwh of 2026-02-08: 12\n" in shown
    assert "hourly_energy.energy_kwh: 6 rows, sum 12" in shown
    assert "meter meter-1" in shown
    assert "meter-2" not in shown
    assert "and 1 device with less energy (--limit)" in shown
    assert "2 devices, 6 readings, 0 flagged steps" in shown


def test_a_count_of_vehicles_comes_from_no_reading(lake: HandMadeLake) -> None:
    shown = run(lake, "daily_fleet_efficiency", "vehicle_count").stdout
    assert shown.endswith("no reading of a device has a part in it\n")
    shown = run(lake, "vehicles", "external_id", "--key", "vehicle_id=1").stdout
    assert shown.endswith("exported as it is from the table vehicles of PostgreSQL\n")


def test_what_people_said_of_the_readings_is_told(tmp_path: Path) -> None:
    """One was left out and one replaced: the registers are shown as they count, and beside them why."""
    lake = HandMadeLake(tmp_path / "lake")
    lake.pairs(1)
    lake.add("carried_samples", kind="meter", device_id=1, ts=at("23:30", DAY - timedelta(days=1)), kwh=100.0)
    for clock, kwh in (("07:30", 104.0), ("08:30", 999.0), ("09:30", 111.0)):
        lake.add("meter_readings", meter_id=1, ts=at(clock), kwh=kwh)
    for number, (clock, received, counting) in enumerate((("08:30", 999.0, None), ("09:30", 111.0, 110.0)), start=1):
        word = {"starts_at": at(clock), "ends_at": at(clock), "who": "ann", "why": f"reason {number}", "kwh": counting}
        lake.add("reading_corrections", correction_id=number, kind="meter", device_id=1, action="void", **word)
        counts = {"ts": at(clock), "received_kwh": received, "kwh": counting, "correction_id": number}
        lake.add("corrected_readings", kind="meter", device_id=1, **counts)
    lake.energy("meter", 1, 7, 4.0, reading_count=1)
    lake.energy("meter", 1, 9, 6.0, reading_count=1)
    lake.write()
    lake.build()
    said = traced(lake, "hourly_energy", "energy_kwh", "--key", "kind=meter", "--key", "device_id=1",
                  "--key", "hour=2026-02-08T09:00:00Z")  # fmt: skip
    assert (said["devices"][0]["beforeKwh"], said["devices"][0]["lastKwh"]) == (104.0, 110.0)
    assert (said["correctionCount"], said["corrections"]) == (
        1,
        [{"kind": "meter", "externalId": "meter-1", "ts": "2026-02-08T09:30:00+00:00", "receivedKwh": 111.0,
          "kwh": 110.0, "correctionId": 2, "who": "ann", "why": "reason 2"}],
    )  # fmt: skip
    shown = run(lake, "daily_fleet_efficiency", "metered_ac_kwh").stdout
    assert "left out" in shown
    assert "reason 1" in shown


def test_a_week_is_followed_to_its_days(lake: HandMadeLake) -> None:
    shown = run(lake, "weekly_vehicle_losses", "ac_kwh", "--key", "vehicle_id=1").stdout
    assert "daily_vehicle_efficiency.ac_kwh: 1 row, sum 9" in shown
    assert shown.endswith("of 7 days; trace daily_vehicle_efficiency ac_kwh of one of them\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["daily_vehicle_efficiency", "ac_kw"], 2, "no column ac_kw; did you mean ac_kwh?"),
        (["daily_vehicle_efficiency", "ac_kwh", "--key", "vehicle"], 2, "vehicle is no COLUMN=VALUE"),
        (["daily_vehicle_efficiency", "ac_kwh"], 1, "several rows of 2026-02-08: name one, e.g. --key vehicle_id=1"),
        (
            ["hourly_vehicle_efficiency", "ac_kwh", "--key", "vehicle_id=1"],
            1,
            "vehicle_id = 1: name one, e.g. --key vehicle_id=1 --key hour=2026-02-08T00:00:00Z;",
        ),
        (["flagged_steps", "before_kwh", "--key", "flag=two words"], 1, "no row of 2026-02-08 with flag = two words"),
        (
            ["daily_vehicle_efficiency", "ac_kwh", "--key", "vehicle_id=9"],
            1,
            "has no row of 2026-02-08 with vehicle_id",
        ),
        (["daily_vehicle_efficiency", "ac_kwh", "--key", "vehicle_id=x"], 1, "is no value of its column"),
        (["daily_vehicle_efficiency", "ac_kwh", "--key", "vehicle_id=1.6"], 1, "vehicle_id is INTEGER, no 1.6"),
        (
            ["daily_vehicle_efficiency", "ac_kwh", "--key", "vehicle_id=1", "--key", "vehicle_id=2"],
            2,
            "vehicle_id is given twice",
        ),
    ],
)
def test_what_cannot_be_traced_is_said(lake: HandMadeLake, arguments: list[str], code: int, said: str) -> None:
    result = run(lake, *arguments)
    assert result.exit_code == code
    assert said in " ".join(f"{result.stderr} {result.exception}".split())


def test_an_hour_that_a_mapping_parts_is_traced_by_its_segment(tmp_path: Path) -> None:
    lake = HandMadeLake(tmp_path / "lake")
    lake.device("meter", 1)
    for number in (1, 2):
        lake.device("vehicle", number)
    lake.map(1, 1, until=at("09:30"))
    lake.map(2, 1, since=at("09:30"))
    lake.add("carried_samples", kind="meter", device_id=1, ts=at("23:30", DAY - timedelta(days=1)), kwh=100.0)
    for clock, kwh in (("09:10", 101.0), ("09:50", 103.0), ("10:30", 102.9)):
        lake.add("meter_readings", meter_id=1, ts=at(clock), kwh=kwh)
    lake.energy("meter", 1, 9, 1.0, reading_count=1)
    lake.energy("meter", 1, 9, 2.0, reading_count=1, segment_from=at("09:30"))
    lake.energy("meter", 1, 10, -0.1, reading_count=1, segment_from=at("09:30"), dip_count=1)
    lake.add(
        "flagged_steps", kind="meter", device_id=1, ts=at("10:30"), before_ts=at("09:50"), before_kwh=103.0, kwh=102.9,
        energy_kwh=-0.1, flag="dip",
    )  # fmt: skip
    lake.write()
    lake.build("devices", "mapped_devices")

    def of_segment(hour: str, begin: str) -> tuple[Any, ...]:
        keys = ("kind=meter", "device_id=1", f"hour={DAY}T{hour}Z", f"segment_from={begin}Z")
        said = traced(lake, "hourly_energy", "energy_kwh", *(word for key in keys for word in ("--key", key)))
        (device,) = said["devices"]
        registers = (device["beforeKwh"], device["firstKwh"], device["lastKwh"])
        return said["value"], device["energyKwh"], device["readingCount"], registers, said["flagCount"]

    assert of_segment("09:00", "1970-01-01T00:00") == (1.0, 1.0, 1, (100.0, 101.0, 101.0), 0)
    assert of_segment("09:00", f"{DAY}T09:30") == (2.0, 2.0, 1, (101.0, 103.0, 103.0), 0)
    assert of_segment("10:00", f"{DAY}T09:30") == (-0.1, -0.1, 1, (103.0, 102.9, 102.9), 1)


def test_a_number_that_is_made_of_weeks_is_followed_to_the_week(lake: HandMadeLake) -> None:
    week = CATALOG.models["weekly_vehicle_losses"]
    total = replace(
        week,
        name="total",
        key=("day",),
        columns=(Column("ac_kwh", "DOUBLE", "All of it, kWh."),),
        sql=f"SELECT sum(ac_kwh) AS ac_kwh FROM {week.name} WHERE day = getvariable('day')",
        depends_on=(week.name,),
        column_lineage={"ac_kwh": (ColumnSource(week.name, "ac_kwh"),)},
        lookback_days=0,
        lookback_key=(),
    )
    with lake.lake.aside("total", DAY) as written:
        duckdb.sql(f"COPY (SELECT 9.0::DOUBLE AS ac_kwh) TO '{written}' (FORMAT parquet)")
        put_next(lake.lake, "total", DAY, written)
    catalog = Catalog({**CATALOG.models, "total": total})
    found = trace(lake.snapshot, catalog, ColumnSource("total", "ac_kwh"), DAY, {}, {})
    assert [(step.source, step.rows) for step in found.steps] == [(ColumnSource(week.name, "ac_kwh"), 2)]
    assert (found.value, found.devices) == (9.0, ())


def test_a_sum_is_shown_where_it_means_something(lake: HandMadeLake) -> None:
    said = traced(lake, "daily_vehicle_efficiency", "mean_battery_temp_celsius", "--key", "vehicle_id=1")
    sums = {each["column"]: each["sum"] for each in said["steps"]}
    assert sums["mean_battery_temp_celsius"] is None
    assert sums["battery_temp_count"] == 0


def test_readings_that_came_late_are_counted(lake: HandMadeLake, tmp_path: Path) -> None:
    first = tmp_path / f"day={DAY}" / "first.parquet"
    first.parent.mkdir()
    shutil.copy(newest_file(lake.lake, "meter_readings", DAY), tmp_path / "now.parquet")
    with duckdb.connect() as connection:
        kept = f"FROM read_parquet('{tmp_path}/now.parquet') WHERE NOT (meter_id = 1 AND kwh = 104)"
        connection.execute(f"COPY ({kept}) TO '{first}' (FORMAT parquet)")
    source = ColumnSource("daily_meter_efficiency", "efficiency_ratio")
    earlier = {"meter_readings": str(first), "vehicle_readings": None}
    found = trace(lake.snapshot, CATALOG, source, DAY, {"meter_id": "1"}, earlier)
    assert [late_of(each) for each in found.devices] == [("meter-1", 1), ("vehicle-1", 0), ("vehicle-2", 0)]


def late_of(device: TracedDevice) -> tuple[str, int | None]:
    return device.external_id, device.late_count
