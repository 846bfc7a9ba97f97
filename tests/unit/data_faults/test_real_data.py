"""The rules on public measurements. The files are not part of this repository."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tests.unit.data_faults.made import Made, found_in, session
from tests.unit.sessions.drawn import Drawn, Register
from tests.unit.sessions.test_real_charges import DATA, gueni, readings, rows
from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.clock import edges_of, pairs_with_lag
from warehouse.data_faults.fault_day import Carried, FaultInputs, faults_of_day
from warehouse.data_faults.matching import is_matched, side_of
from warehouse.data_faults.paired import paired_sessions
from warehouse.lake.hourly_energy import FLAGGED
from warehouse.sessions.session_day import DaySessions

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"real measurements are not at {DATA}")
DAYS = 6
SMA_BEGINS = datetime(2025, 6, 29, tzinfo=UTC)


def faults(drawn: Drawn, found: Sequence[DaySessions], ends: Sequence[datetime]) -> Iterator[Carried]:
    """The rules over the days that end at these midnights."""
    carried = Carried.nothing()
    devices = {
        kind: drawn.devices(kind).with_columns(
            model=pl.lit(None, pl.String), external_id=pl.col("device_id").cast(pl.String)
        )
        for kind in DeviceKind
    }
    for of_day, end in zip(found, ends, strict=True):
        last = pl.concat(
            drawn.readings(kind)
            .filter(pl.col("ts") < end, pl.col("ts") >= end - timedelta(days=1))
            .group_by("device_id")
            .agg(pl.col("ts").max())
            .select(pl.lit(kind.value).alias("kind"), "device_id", "ts")
            for kind in DeviceKind
        )
        mappings = drawn.inputs(end, end, pl.DataFrame()).mappings
        inputs = FaultInputs(
            of_day.charging_sessions,
            of_day.daily_standby,
            pl.DataFrame(schema=FLAGGED),
            last,
            devices,
            mappings,
            carried,
        )
        carried = faults_of_day(inputs, (end - timedelta(days=1)).date())
        yield carried


def repeated() -> tuple[Drawn, list[datetime]]:
    """The one charge that was recorded from both sides, on six days; the registers go on."""
    once = gueni()
    again = {}
    for kind, frame in once.replaced.items():
        grown = float(frame["kwh"].max()) - float(frame["kwh"].min())  # type: ignore[arg-type]
        copies = [
            frame.with_columns(pl.col("ts") + timedelta(days=day), pl.col("kwh") + day * grown) for day in range(DAYS)
        ]
        again[kind] = pl.concat(copies).sort("device_id", "ts")
    first = datetime(2023, 5, 16, tzinfo=UTC)
    ends = [first + timedelta(days=day) for day in range(1, DAYS + 3)]
    return Drawn(once.meters, once.vehicles, once.mappings, (), again), ends


def test_one_charge_tells_its_own_lag_and_with_it_a_plausible_ratio_and_no_rule_opens() -> None:
    drawn, ends = repeated()
    # The readings of the second day say that the charge of the first had ended, and those of the third are carried.
    *_, carried = faults(drawn, drawn.by_parts(*ends)[:3], ends[:3])
    known = carried.recent_sessions.filter(pl.col("started_at") < ends[0]).with_columns(is_matched=is_matched())
    ac, dc = (side_of(known, side) for side in ("ac", "dc"))
    assert (ac.height, dc.height) == (1, 1)
    lag_us = edges_of(ac, dc).constant_lag(14 * 3_600_000_000)
    assert lag_us is not None
    assert abs(lag_us / 1e6 - 7198) <= 30
    paired = paired_sessions(known, pairs_with_lag(ac, dc, lag_us)).row(0, named=True)
    assert paired["dc_kwh"] / paired["ac_kwh"] == pytest.approx(0.98, abs=0.005)
    assert set(carried.data_faults["rule"]) <= {"R9"}


def test_on_six_days_its_clock_opens_once() -> None:
    drawn, ends = repeated()
    found = [each.data_faults for each in faults(drawn, drawn.by_parts(*ends), ends)]
    clocks = pl.concat(found).filter(pl.col("rule") == "R8")
    assert clocks["state"].to_list().count("opened") == 1
    assert set(clocks["state"]) <= {"opened", "open"}
    assert abs(clocks["observed"][0] - 7198) <= 30
    assert set(pl.concat(found)["rule"]) == {"R8", "R9"}, "the silences between the charges, and nothing else"


def test_totals_of_real_charges_are_no_fault() -> None:
    numbers = {"B10": 1, "C10": 2}
    charges = [
        session(
            numbers[row["car"]],
            numbers[row["car"]],
            datetime(row["date"].year, row["date"].month, row["date"].day, 12, tzinfo=UTC),
            row["ac_kwh_meter"],
            row["dc_kwh_battery"],
        )
        for row in pl.read_csv(DATA / "leapmotor_sessions.csv", try_parse_dates=True).iter_rows(named=True)
    ]
    assert len(charges) == 8
    assert found_in(charges, 250, pairs=((1, 1), (2, 2)), resolution_kwh=0.1) == set()
    assert Made(sessions=charges, pairs=((1, 1), (2, 2))).at_once(250).recent_sessions.height > 0


@pytest.mark.parametrize(
    ("name", "interval_s", "first", "days"),
    [
        ("p1mon_min_ac.ndjson.gz", 60, datetime(2024, 2, 1, tzinfo=UTC), 10),
        ("sma_5min_ac.ndjson.gz", 300, SMA_BEGINS, 15),
    ],
)
def test_meters_that_are_mapped_to_nothing_have_no_fault(
    name: str, interval_s: int, first: datetime, days: int
) -> None:
    real = readings(rows(name, "meterId", "kwhConsumedAc"))
    drawn = Drawn({1: Register((), interval_s=interval_s)}, replaced={DeviceKind.METER: real})
    ends = [first + timedelta(days=day) for day in range(1, days + 1)]
    found = list(faults(drawn, drawn.by_parts(*ends), ends))
    assert sum(each.data_faults.height for each in found) == 0
    assert real.filter(pl.col("ts").is_between(first, ends[-1])).height > 4000, "the readings are of these days"
