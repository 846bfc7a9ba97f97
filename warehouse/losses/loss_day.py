"""The losses of a day: a function of its sessions, of the samples, faults and common modes of half a year, and of what
was carried.
"""

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
from warehouse.losses.sites import site_of_pairs
from warehouse.losses.verdict_day import (
    DAYS_OF_A_WEEK,
    Devices,
    first_day_verdicts,
    open_findings_of_fixed_pairs,
    register_verdicts,
    site_verdicts,
)

READ_BACK = (
    *(*PAIR, "day", "started_at", "ended_at", "clock_lag_s", "ac_kwh", "dc_kwh", "ac_hours"),
    *("loss_ratio", "hours_per_kwh", "battery_celsius", "temperature_source", "weather_celsius", "variance"),
)
"""What is needed of the samples of earlier days; the rest of a million and a half rows would only take memory."""


def lookback_days(settings: LossSettings = SETTINGS) -> int:
    """How many days before its own a day looks back on: those of the fit of a week, seen from the week's last day."""
    return settings.history_days + DAYS_OF_A_WEEK - 1


class LossInputs(NamedTuple):
    """What the losses of a day are found in."""

    sessions: pl.DataFrame
    """``charging_sessions`` of the day."""
    devices: Devices
    samples: pl.LazyFrame
    """``loss_samples`` of the days before, as far as a day looks back, with their day, oldest first."""
    faults: pl.DataFrame
    """``data_faults`` of these days and of this one, with their day."""
    known: Known
    """``loss_findings`` of the day before, and ``common_modes`` of the days before, with their day."""
    fleet_fits: pl.DataFrame
    first_day_verdicts: pl.DataFrame
    """Both of the day before."""
    accepted: pl.DataFrame
    """``ACCEPTED``: what people called normal."""


class Losses(NamedTuple):
    """The datasets that come out."""

    loss_samples: pl.DataFrame
    fleet_fits: pl.DataFrame
    first_day_verdicts: pl.DataFrame
    common_modes: pl.DataFrame
    charger_scores: pl.DataFrame
    loss_findings: pl.DataFrame
    register_verdicts: pl.DataFrame
    site_verdicts: pl.DataFrame


def losses_of_day(inputs: LossInputs, day: date, settings: LossSettings = SETTINGS) -> Losses:
    """Sample the day's sessions, score its pairs, and say what becomes of the findings and whose losses they are.

    The sample of a day holds what data faults explain too: most of them are found later than the sessions which they
    explain. What is known of faults on this day is taken out of all samples when they are read, and a finding that
    rests on nothing else is withdrawn.
    """
    earlier = inputs.samples.select(READ_BACK).collect()
    of_day = _sample_of_day(inputs, earlier, day, settings)
    faults = last_known(inputs.faults)
    sampled = pl.concat([earlier, of_day.select(READ_BACK)])
    rows = compared(sampled, faults)
    known = inputs.known._replace(findings=standing(inputs.known.findings, sampled, rows, settings))
    del earlier, sampled
    fits, first_days = _of_week(inputs, rows, day, settings)
    fleet = coefficients_of(fits, settings)
    models = inputs.devices[DeviceKind.METER].select("model", meter_id="device_id")
    told = charger_scores(rows, fleet, known, day, settings, models)
    findings = findings_of_day(told.scores, known.findings, inputs.accepted, day, settings, models)
    sites = site_of_pairs(rows.select(PAIR).unique(maintain_order=True))
    of_pairs = open_findings_of_fixed_pairs(findings, sites)
    whole = compared(_of_meters(pl.concat([inputs.samples, of_day.lazy()]), of_pairs["meter_id"]), faults)
    # Too few sessions tell nothing of the fleet; no row says so.
    common = told.common_mode.filter(pl.col("session_count") >= settings.common_least_sessions)
    return Losses(
        of_day.drop("day"),
        fits,
        first_days,
        common.drop("day"),
        told.scores.drop("day"),
        findings,
        register_verdicts(of_pairs, whole, inputs.devices),
        site_verdicts(_last_days(rows, day, settings), sites, findings, fleet, day, settings),
    )


def _sample_of_day(inputs: LossInputs, earlier: pl.DataFrame, day: date, settings: LossSettings) -> pl.DataFrame:
    sessions = inputs.sessions.with_columns(day=pl.lit(day))
    for kind, side in ((DeviceKind.METER, "ac"), (DeviceKind.VEHICLE, "dc")):
        name = f"{side}_resolution_kwh"
        resolution = inputs.devices[kind].select(
            pl.col("device_id").alias(kind.device_id), pl.col("resolution_kwh").alias(name)
        )
        # After the join: what is not known of a device and a device that is not known are the same.
        sessions = sessions.join(resolution, on=kind.device_id, how="left", maintain_order="left").with_columns(
            pl.col(name).fill_null(DeviceSettings().resolution_kwh)
        )
    earliest = day - timedelta(days=settings.fleet_temperature_days)
    before = temperatures_of_sample(earlier.filter(pl.col("day") >= earliest))
    return sample(sessions, pl.concat([before, fleet_temperatures(sessions)]), settings)


def compared(rows: pl.DataFrame, faults: pl.DataFrame) -> pl.DataFrame:
    """What no fault explains, by pair and time. What leaked is taken off; the variance hardly changes, and stays."""
    # Of one pair and instant those of the earlier day come first, and those of a day come in the order of its file.
    ordered = rows.sort(*PAIR, "ended_at", maintain_order=True)
    lost = loss_ratio(pl.col("ac_kwh"), pl.col("dc_kwh"))
    return unexplained(ordered, faults).with_columns(loss_ratio=lost)


def _of_week(
    inputs: LossInputs, rows: pl.DataFrame, day: date, settings: LossSettings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The fit of the day's week, and who was bad from the first day: as carried, else from the days before."""
    week = week_of_fit(day)
    if week in inputs.fleet_fits["week"]:
        return inputs.fleet_fits, inputs.first_day_verdicts
    before = _last_days(rows, week - timedelta(days=1), settings)
    fits = fitted(fleet_fit(Panel.of(before, settings), settings), week, settings)
    return fits, first_day_verdicts(before, coefficients_of(fits, settings), inputs.devices, week, settings)


def _last_days(rows: pl.DataFrame, day: date, settings: LossSettings) -> pl.DataFrame:
    """Those of as many days up to this one as are looked back on."""
    return rows.filter(pl.col("day") <= day, pl.col("day") > day - timedelta(days=settings.history_days))


def _of_meters(samples: pl.LazyFrame, meters: pl.Series) -> pl.DataFrame:
    return samples.filter(pl.col("meter_id").is_in(meters.unique().implode())).collect()
