"""Days in turn: scores and findings as the daily pipeline would make them, and what other rules would have said."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import polars as pl

from tests.benchmarks.findings.seasons import Season
from warehouse.contract.efficiency import THRESHOLD_RATIO, efficiency_ratio, low_energy_below_kwh
from warehouse.losses.charger_scores import Known, charger_scores
from warehouse.losses.findings import findings_of_day
from warehouse.losses.fleet_fit import fleet_fit, unknown_fleet, week_of_fit
from warehouse.losses.panel import Panel
from warehouse.losses.sample import fleet_temperatures, sample
from warehouse.losses.schemas import ACCEPTED, LOSS_FINDINGS
from warehouse.losses.settings import SETTINGS, LossSettings

SESSIONS_BELOW = 7


def replayed(sessions: pl.DataFrame, season: Season, settings: LossSettings = SETTINGS) -> pl.DataFrame:
    """``ever_opened`` of sessions among which no fault of the data is."""
    rows = sample(sessions, fleet_temperatures(sessions), settings)
    return ever_opened(known.findings for known in days_in_turn(rows, season, settings))


def ever_opened(days: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Every finding that ever opened, of ``LOSS_FINDINGS`` of days in turn: its row of the day on which it opened
    (suffix ``_opened``) and the last one."""
    opened: dict[str, pl.DataFrame] = {}
    last: dict[str, pl.DataFrame] = {}
    for found in days:
        for row in found.filter(pl.col("state").is_in(["open", "closed"])).iter_slices(1):
            opened.setdefault(row["finding_id"][0], row)
            last[row["finding_id"][0]] = row
    if not opened:
        empty = pl.DataFrame(schema=LOSS_FINDINGS)
        return empty.join(empty, on="finding_id", suffix="_opened")
    return pl.concat(last.values()).join(pl.concat(opened.values()), on="finding_id", suffix="_opened")


def days_in_turn(rows: pl.DataFrame, season: Season, settings: LossSettings = SETTINGS) -> Iterator[Known]:
    """What is known at the end of each day of a season, of the sample of all of it."""
    known, fit = Known.nothing(), unknown_fleet(settings)
    for number in range(season.days):
        day = season.first + timedelta(days=number)
        if week_of_fit(day) == day:
            fit = fleet_fit(Panel.of(_before(rows, day, settings), settings), settings)
        told = charger_scores(rows, fit.coefficients, known, day, settings)
        found = findings_of_day(told.scores, known.findings, pl.DataFrame(schema=ACCEPTED), day, settings)
        known = Known(found, pl.concat([known.common_modes, told.common_mode]))
        yield known


def _before(rows: pl.DataFrame, day: date, settings: LossSettings) -> pl.DataFrame:
    return rows.filter(pl.col("day") < day, pl.col("day") >= day - timedelta(days=settings.history_days))


def days_below(sessions: pl.DataFrame) -> pl.DataFrame:
    """A0: vehicle_id, alarm_at of each day on which DC over AC is below 85 %, but for days of little energy."""
    least_kwh = low_energy_below_kwh(24.0)
    return (
        sessions.filter(pl.col("meter_id").is_not_null())
        .group_by("vehicle_id", day=pl.col("ended_at").dt.date())
        .agg(pl.col("ac_kwh", "dc_kwh").sum(), alarm_at=pl.col("ended_at").max())
        .filter(pl.max_horizontal("ac_kwh", "dc_kwh") >= least_kwh)
        .filter(efficiency_ratio(pl.col("ac_kwh"), pl.col("dc_kwh")) < THRESHOLD_RATIO)
        .select("vehicle_id", "alarm_at")
        .sort("alarm_at", "vehicle_id")
    )


def sessions_below(sessions: pl.DataFrame) -> pl.DataFrame:
    """vehicle_id, alarm_at of each seventh session in a row below 85 %: once until one is above again."""
    is_below = pl.col("efficiency_ratio") < THRESHOLD_RATIO
    return (
        sessions.filter("is_qualified")
        .sort("vehicle_id", "ended_at")
        .with_columns(run=is_below.rle_id().over("vehicle_id"), is_below=is_below)
        .with_columns(place=pl.int_range(pl.len()).over("vehicle_id", "run"))
        .filter("is_below", pl.col("place") == SESSIONS_BELOW - 1)
        .select("vehicle_id", alarm_at="ended_at")
        .sort("alarm_at", "vehicle_id")
    )
