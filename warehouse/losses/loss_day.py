"""The losses of a day: a function of its sessions, of the samples, faults and common modes of half a year, and of what
was carried.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from warehouse.contract.efficiency import loss_ratio
from warehouse.contract.energy import DeviceSettings
from warehouse.contract.tables import DeviceKind
from warehouse.losses.charger_scores import Known, charger_scores
from warehouse.losses.explained import last_known, standing, unexplained
from warehouse.losses.findings import findings_of_day
from warehouse.losses.fleet_fit import coefficients_of, fitted, fleet_fit, week_of_fit
from warehouse.losses.panel import Panel
from warehouse.losses.sample import PAIR, fleet_temperatures, sample, temperatures_of_sample
from warehouse.losses.settings import SETTINGS, LossSettings

DAYS_OF_A_WEEK = 7
READ_BACK = (
    *(*PAIR, "day", "started_at", "ended_at", "ac_kwh", "dc_kwh", "ac_hours"),
    *("loss_ratio", "hours_per_kwh", "battery_celsius", "temperature_source", "variance"),
)
"""What is needed of the samples of earlier days; the rest of a million and a half rows would only take memory."""


def lookback_days(settings: LossSettings = SETTINGS) -> int:
    """How many days before its own a day looks back on: those of the fit of a week, seen from the week's last day."""
    return settings.history_days + DAYS_OF_A_WEEK - 1


class LossInputs(NamedTuple):
    """What the losses of a day are found in."""

    sessions: pl.DataFrame
    """``charging_sessions`` of the day."""
    devices: Mapping[DeviceKind, pl.DataFrame]
    """device_id, resolution_kwh, model."""
    samples: pl.DataFrame
    """``loss_samples`` of the days before, as far as a day looks back: the columns of ``READ_BACK``, by day."""
    faults: pl.DataFrame
    """``data_faults`` of these days and of this one, with their day."""
    known: Known
    """``loss_findings`` of the day before, and ``common_modes`` of the days before, with their day."""
    fleet_fits: pl.DataFrame
    """Of the day before."""
    accepted: pl.DataFrame
    """``ACCEPTED``: what people called normal."""


class Losses(NamedTuple):
    """The datasets that come out."""

    loss_samples: pl.DataFrame
    fleet_fits: pl.DataFrame
    common_modes: pl.DataFrame
    charger_scores: pl.DataFrame
    loss_findings: pl.DataFrame


def losses_of_day(inputs: LossInputs, day: date, settings: LossSettings = SETTINGS) -> Losses:
    """Sample the day's sessions, score its pairs, and say what becomes of the findings.

    The sample of a day holds what data faults explain too: most of them are found later than the sessions which they
    explain. What is known of faults on this day is taken out of all samples when they are read, and a finding that
    rests on nothing else is withdrawn.
    """
    of_day = _sample_of_day(inputs, day, settings)
    sampled = pl.concat([inputs.samples, of_day.select(READ_BACK)])
    rows = _compared(sampled, inputs.faults)
    known = inputs.known._replace(findings=standing(inputs.known.findings, sampled, rows))
    fits = _fit_of_week(rows, inputs.fleet_fits, day, settings)
    models = inputs.devices[DeviceKind.METER].select("model", meter_id="device_id")
    told = charger_scores(rows, coefficients_of(fits, settings), known, day, settings, models)
    # Too few sessions tell nothing of the fleet; no row says so.
    common = told.common_mode.filter(pl.col("session_count") >= settings.common_least_sessions)
    return Losses(
        of_day.drop("day"),
        fits,
        common.drop("day"),
        told.scores.drop("day"),
        findings_of_day(told.scores, known.findings, inputs.accepted, day, settings, models),
    )


def _sample_of_day(inputs: LossInputs, day: date, settings: LossSettings) -> pl.DataFrame:
    sessions = inputs.sessions.with_columns(day=pl.lit(day))
    for kind, side in ((DeviceKind.METER, "ac"), (DeviceKind.VEHICLE, "dc")):
        resolution = inputs.devices[kind].select(
            pl.col("device_id").alias(kind.device_id),
            pl.col("resolution_kwh").fill_null(DeviceSettings().resolution_kwh).alias(f"{side}_resolution_kwh"),
        )
        sessions = sessions.join(resolution, on=kind.device_id, how="left", maintain_order="left")
    earliest = day - timedelta(days=settings.fleet_temperature_days)
    before = temperatures_of_sample(inputs.samples.filter(pl.col("day") >= earliest))
    return sample(sessions, pl.concat([before, fleet_temperatures(sessions)]), settings)


def _compared(rows: pl.DataFrame, faults: pl.DataFrame) -> pl.DataFrame:
    """What no fault explains, by pair and time. What leaked is taken off; the variance hardly changes, and stays."""
    # Of one pair and instant those of the earlier day come first, and those of a day come in the order of its file.
    ordered = rows.sort(*PAIR, "ended_at", maintain_order=True)
    lost = loss_ratio(pl.col("ac_kwh"), pl.col("dc_kwh"))
    return unexplained(ordered, last_known(faults)).with_columns(loss_ratio=lost)


def _fit_of_week(rows: pl.DataFrame, before: pl.DataFrame, day: date, settings: LossSettings) -> pl.DataFrame:
    """The carried fit, where it is of the day's week; else a new one."""
    week = week_of_fit(day)
    if week in before["week"]:
        return before
    earlier = rows.filter(pl.col("day") < week, pl.col("day") >= week - timedelta(days=settings.history_days))
    return fitted(fleet_fit(Panel.of(earlier, settings), settings), week, settings)
