"""The rules for losses on public measurements: nothing is found. The files are not part of this repository."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tests.unit.sessions.drawn import Drawn, Register
from tests.unit.sessions.test_real_charges import DATA, FAR, LAG, gueni, readings, rows
from warehouse.contract.tables import DeviceKind
from warehouse.losses.baseline import posterior, reference
from warehouse.losses.charger_scores import Known, charger_scores
from warehouse.losses.findings import findings_of_day
from warehouse.losses.first_day import FirstDay, first_day
from warehouse.losses.fleet_fit import unknown_fleet
from warehouse.losses.panel import Panel
from warehouse.losses.sample import fleet_temperatures, sample
from warehouse.losses.schemas import ACCEPTED
from warehouse.losses.settings import SETTINGS
from warehouse.losses.which_register import Cause, which_register
from warehouse.losses.whose_fault import whose_fault
from warehouse.sessions.schemas import CHARGING_SESSIONS
from warehouse.sessions.session_table import is_implausible

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"real measurements are not at {DATA}")
FLEET = unknown_fleet().coefficients
COUNT = 24
"""So often one real charge is repeated: more than the sessions that a pair is learned from."""


def sampled(sessions: pl.DataFrame, resolution_kwh: float) -> pl.DataFrame:
    known = sessions.with_columns(
        day=pl.col("ended_at").dt.date(),
        ac_resolution_kwh=pl.lit(resolution_kwh),
        dc_resolution_kwh=pl.lit(resolution_kwh),
    )
    return sample(known, fleet_temperatures(known))


def found(sample_rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The scores and the findings, even those that are only suspected, of all days of a sample, and of a day after."""
    known, scores, findings = Known.nothing(), [], []
    for day in [*sample_rows["day"].unique().sort(), FAR.date().replace(year=2027)]:
        told = charger_scores(sample_rows, FLEET, known, day)
        of_day = findings_of_day(told.scores, known.findings, pl.DataFrame(schema=ACCEPTED), day)
        known = Known(of_day, pl.concat([known.common_modes, told.common_mode]))
        scores.append(told.scores)
        findings.append(of_day)
    return pl.concat(scores), pl.concat(findings)


def first_day_of(sample_rows: pl.DataFrame, label: str | None) -> str:
    """What is said of a pair alone in its fleet."""
    panel = Panel.of(sample_rows)
    intercept, fixed_kw, *_ = posterior(reference(panel, FLEET).total, FLEET).coefficients[0].tolist()
    pair = {"vehicle_model": label, "meter_model": label, "intercept": intercept, "fixed_kw": fixed_kw}
    texts = dict.fromkeys(("vehicle_model", "meter_model"), pl.String)
    hours = {"hours_per_kwh": sample_rows["hours_per_kwh"].median()}
    told = first_day(pl.DataFrame([{**pair, **hours}], schema_overrides=texts))
    return str(told["verdict"][0])


def expect_nothing(sample_rows: pl.DataFrame, interval_s: float) -> None:
    """Enough is known to score the pair, and no rule says anything of it."""
    scores, findings = found(sample_rows)
    assert scores.height >= COUNT - SETTINGS.least_older_sessions - min(SETTINGS.windows)
    assert scores["z"].max() < 2  # type: ignore[operator]
    assert findings.is_empty()
    assert whose_fault(sample_rows, FLEET) == []
    assert first_day_of(sample_rows, None) == FirstDay.NO_LABELS
    assert first_day_of(sample_rows, "one of its kind") == FirstDay.FEW_PEERS
    middle = sample_rows["ended_at"][len(sample_rows) // 2]
    told = which_register(sample_rows, middle, interval_s)
    assert (told.cause, told.why is not None) == (Cause.UNDECIDED, True)


@pytest.mark.long
def test_a_charge_seen_from_both_sides_day_after_day_loses_no_more_than_before() -> None:
    first = datetime(2023, 5, 17, tzinfo=UTC)
    ends = [first + timedelta(days=day) for day in range(COUNT + 2)]
    sessions = pl.concat(day.charging_sessions for day in gueni(LAG, days=COUNT).by_parts(*ends))
    sample_rows = sampled(sessions, 0.001)
    assert sample_rows.height == COUNT
    expect_nothing(sample_rows, 10)


def test_with_a_clock_two_hours_off_there_is_nothing_to_compare() -> None:
    assert sampled(gueni(days=6).found(FAR).charging_sessions, 0.001).is_empty()


def leapmotor(each: pl.DataFrame) -> pl.DataFrame:
    """These charges, one a day: totals were told without times, so they are taken to have flowed at 11 kW."""
    first = datetime(2026, 7, 1, 18, tzinfo=UTC)
    ended = pl.Series([first + timedelta(days=day) for day in range(len(each))]).cast(pl.Datetime("us", "UTC"))
    hours = pl.col("ac_kwh") / 11
    told = (
        each.select(ac_kwh="ac_kwh_meter", dc_kwh="dc_kwh_battery")
        .with_columns(
            efficiency_ratio=pl.col("dc_kwh") / pl.col("ac_kwh"),
            ac_resolution_kwh=pl.lit(0.1),
            dc_resolution_kwh=pl.lit(0.01),
            ac_mean_kw=pl.lit(11.0),
        )
        .with_columns(
            session_id=pl.int_range(pl.len()).cast(pl.String),
            kind=pl.when(is_implausible()).then(pl.lit("implausible")).otherwise(pl.lit("charge")),
            vehicle_id=pl.lit(1),
            meter_id=pl.lit(1),
            started_at=ended - pl.duration(seconds=hours * 3600),
            ended_at=ended,
            ac_hours=hours,
            dc_hours=hours,
            is_qualified=~is_implausible(),
        )
    )
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in CHARGING_SESSIONS.items() if name not in told.columns]
    return told.with_columns(missing).select(CHARGING_SESSIONS.names()).cast(CHARGING_SESSIONS)


CHARGES = pl.Schema(
    {"car": pl.String(), "date": pl.Date(), "dc_kwh_battery": pl.Float64(), "ac_kwh_meter": pl.Float64()}
)


def charges() -> pl.DataFrame:
    return pl.read_csv(DATA / "leapmotor_sessions.csv", try_parse_dates=True).select(list(CHARGES)).cast(CHARGES)


def healthy(count: int) -> pl.DataFrame:
    """The four of July, again and again in another order."""
    july = charges().filter(pl.col("date").is_between(date(2026, 7, 13), date(2026, 7, 28)))
    assert july.height == 4
    order = np.concatenate([np.random.default_rng(number).permutation(4) for number in range(count // 4)])
    return july.select(pl.all().gather(order.tolist()))


def test_charges_of_a_car_at_home_say_nothing() -> None:
    """Their register shows 0.1 kWh."""
    expect_nothing(sampled(leapmotor(healthy(COUNT)), 0.1), 60)


@pytest.mark.parametrize(
    ("loss", "sessions", "state"), [(0.03, 10, "suspected"), (0.03, 14, "open"), (0.035, 10, "open"), (0.04, 8, "open")]
)
def test_of_the_same_charges_a_loss_is_found_the_sooner_the_larger_it_is(
    loss: float, sessions: int, state: str
) -> None:
    ratio = pl.col("dc_kwh_battery") / pl.col("ac_kwh_meter")
    is_late = pl.int_range(pl.len()) >= 2 * COUNT - sessions
    more = pl.when(is_late).then(pl.col("ac_kwh_meter") * ratio / (ratio - loss)).otherwise("ac_kwh_meter")
    _, findings = found(sampled(leapmotor(healthy(2 * COUNT).with_columns(ac_kwh_meter=more)), 0.1))
    assert ("open" in findings["state"]) == (state == "open")
    assert state in findings["state"]
    assert 100 * loss == pytest.approx(findings.filter(pl.col("state") == state)["points"].to_numpy(), abs=0.1)


def test_charges_that_cannot_be_true_are_not_even_compared() -> None:
    sample_rows = sampled(leapmotor(charges()), 0.1)
    assert sample_rows.height == 5
    scores, findings = found(sample_rows)
    assert scores.is_empty(), "of five charges nothing is known yet"
    assert findings.is_empty()


@pytest.mark.parametrize(
    ("name", "device", "kwh", "resolution_kwh", "interval_s", "sessions"),
    [
        ("epfl_sessions_ac.ndjson.gz", "meterId", "kwhConsumedAc", 0.01, 60, 1878),
        ("sma_5min_ac.ndjson.gz", "meterId", "kwhConsumedAc", 0.001, 300, 14),
        ("p1mon_min_ac.ndjson.gz", "meterId", "kwhConsumedAc", 0.001, 60, 30),
        ("gueni_vehicle_dc.ndjson.gz", "vehicleId", "kwhDeliveredDc", 0.001, 1, 1),
    ],
)
def test_of_one_side_alone_no_loss_is_told(
    name: str, device: str, kwh: str, resolution_kwh: float, interval_s: int, sessions: int
) -> None:
    real = readings(rows(name, device, kwh))
    kind = DeviceKind.METER if device == "meterId" else DeviceKind.VEHICLE
    registers = {
        number: Register((), resolution_kwh=resolution_kwh, interval_s=interval_s)
        for number in real["device_id"].unique().sort()
    }
    of_kind = {each: registers if each is kind else {} for each in DeviceKind}
    drawn = Drawn(of_kind[DeviceKind.METER], of_kind[DeviceKind.VEHICLE], replaced={kind: real})
    told = drawn.found(FAR.replace(year=2027)).charging_sessions
    assert told.height >= sessions
    sample_rows = sampled(told, resolution_kwh)
    assert sample_rows.is_empty()
    scores, findings = found(sample_rows)
    assert scores.is_empty()
    assert findings.is_empty()
