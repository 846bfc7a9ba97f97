"""The verdicts of a day: of open findings of fixed pairs, of sites on their day, of pairs that were always bad."""

from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from tests.unit.losses.drawn import FIRST, noisy, rows_of
from tests.unit.losses.made_sessions import Pair, Site
from warehouse.contract.tables import DeviceKind
from warehouse.losses.sample import PAIR
from warehouse.losses.schemas import FIRST_DAY_VERDICTS, LOSS_FINDINGS, REGISTER_VERDICTS, SITE_VERDICTS
from warehouse.losses.settings import SETTINGS
from warehouse.losses.sites import site_of_pairs
from warehouse.losses.verdict_day import (
    first_day_verdicts,
    open_findings_of_fixed_pairs,
    register_verdicts,
    site_verdicts,
)

FLEET = np.array(SETTINGS.fleet_start)
SITE_DAY = date(2026, 8, 1)


def finding(vehicle: int = 1, meter: int = 1, state: str = "open", onset_at: object = None) -> pl.DataFrame:
    """One that is open; what is expected are 0.12."""
    known = {
        "finding_id": f"{vehicle}-{meter}",
        "vehicle_id": vehicle,
        "meter_id": meter,
        "state": state,
        "onset_at": onset_at,
        "coefficients": [0.12, 0.0, 0.0, 0.0, 0.0],
    }
    return pl.DataFrame([{name: known.get(name) for name in LOSS_FINDINGS}], LOSS_FINDINGS)


def devices(count: int, interval_s: int = 60, model: str | None = None) -> dict[DeviceKind, pl.DataFrame]:
    known = {
        "device_id": range(count),
        "resolution_kwh": [0.001] * count,
        "expected_interval_s": [interval_s] * count,
        "model": [model] * count,
    }
    types = {"device_id": pl.Int32, "expected_interval_s": pl.Int32, "model": pl.String}
    return {kind: pl.DataFrame(known, schema_overrides=types) for kind in DeviceKind}


def test_an_open_finding_of_a_fixed_pair_says_whether_it_is_a_loss_or_a_register() -> None:
    pair = Pair(meter=0.06)
    told = register_verdicts(finding(onset_at=pair.onset), pair.sessions(), devices(3))
    assert dict(told.schema) == dict(REGISTER_VERDICTS)
    row = told.row(0, named=True)
    assert (row["finding_id"], row["cause"], row["why_undecided"]) == ("1-1", "meter_reads_high", None)
    assert row["probability"] == row["meter_high_probability"] >= 0.9
    assert (row["before_count"], row["since_count"]) == (20, 10)


@pytest.mark.parametrize(("known", "interval_s"), [(3, 600), (1, 60)])
def test_without_readings_that_show_a_power_it_is_undecided_and_says_why(known: int, interval_s: int) -> None:
    """They come every ten minutes; or the device is not known any more."""
    pair = Pair(meter=0.06)
    (row,) = register_verdicts(finding(onset_at=pair.onset), pair.sessions(), devices(known, interval_s)).to_dicts()
    assert (row["cause"], row["probability"]) == ("undecided", 0.0)
    assert row["why_undecided"] == "readings are too far apart to show a power"


def test_only_open_findings_of_pairs_that_are_at_no_site_are_of_a_fixed_pair() -> None:
    pairs = pl.DataFrame({"vehicle_id": [1, 2, 2, 3], "meter_id": [1, 2, 3, 3]}, schema=dict.fromkeys(PAIR, pl.Int32))
    findings = pl.concat(
        [finding(1, 1), finding(2, 2), finding(3, 3), finding(1, 1, "closed"), finding(1, 1, "suspected")]
    )
    fixed = open_findings_of_fixed_pairs(findings, site_of_pairs(pairs))
    assert fixed.select(*PAIR, "state").rows() == [(1, 1, "open")]


@cache
def at_site(day: date, state: str | None = None) -> pl.DataFrame:
    findings = finding(5, 5, state) if state else pl.DataFrame(schema=LOSS_FINDINGS)
    rows = Site(charger_loss=0.06).sessions()
    return site_verdicts(rows, site_of_pairs(rows.select(PAIR).unique(maintain_order=True)), findings, FLEET, day)


def test_a_site_is_looked_at_once_a_week_and_its_charger_named() -> None:
    days = [SITE_DAY + timedelta(days=number) for number in range(7)]
    (told,) = [found for found in map(at_site, days) if not found.is_empty()]
    assert dict(told.schema) == dict(SITE_VERDICTS)
    row = told.row(0, named=True)
    assert (row["site_meter_id"], row["place"], row["subject"]) == (0, 1, "charger")
    assert (row["vehicle_id"], row["meter_id"], row["deciding_charge"]) == (None, 3, None)
    assert row["shift_ratio"] == pytest.approx(0.06, abs=0.015)
    assert row["onset_from"] < row["onset_at"]


def test_a_site_with_a_finding_is_looked_at_each_day() -> None:
    quiet = next(day for day in (SITE_DAY, SITE_DAY + timedelta(days=1)) if at_site(day).is_empty())
    assert at_site(quiet, "suspected").height == 1
    assert at_site(quiet, "closed").is_empty()


def bad_pair(model: str | None) -> pl.DataFrame:
    """Ten pairs of ten sessions more than are needed, the first one five points worse; another one has too few."""
    count = SETTINGS.least_older_sessions + 10
    losses = [noisy(each, count, level=0.19 if each == 0 else 0.125, sigma=0.003) for each in range(10)]
    rows = [rows_of(number, each) for number, each in enumerate([*losses, noisy(11, 13)])]
    return first_day_verdicts(pl.concat(rows), FLEET, devices(11, model=model), FIRST + timedelta(days=28))


def test_a_pair_that_was_always_worse_than_its_peers_is_bad_from_its_first_day() -> None:
    told = bad_pair("Zoe")
    assert dict(told.schema) == dict(FIRST_DAY_VERDICTS)
    assert told["verdict"].to_list() == ["bad_from_first_day"] + ["usual"] * 9
    row = told.row(0, named=True)
    assert (row["week"], row["session_count"], row["peer_count"]) == (FIRST + timedelta(days=28), 24, 9)
    assert row["points_below"] == pytest.approx(100 * (1 / 1.125 - 1 / 1.19), abs=0.6)
    assert row["dc_kwh_per_day"] == pytest.approx(24 * 10 / 28), "24 sessions of 10 kWh in the 28 days until the Monday"


def test_without_models_nothing_is_said() -> None:
    assert set(bad_pair(None)["verdict"]) == {"no_model_labels"}


def test_a_fleet_without_sessions_has_no_verdicts() -> None:
    none = rows_of(1, [])
    assert first_day_verdicts(none, FLEET, devices(1), FIRST).is_empty()
    assert site_verdicts(none, site_of_pairs(none), pl.DataFrame(schema=LOSS_FINDINGS), FLEET, FIRST).is_empty()
    assert register_verdicts(pl.DataFrame(schema=LOSS_FINDINGS), none, devices(1)).is_empty()
