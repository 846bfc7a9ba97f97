"""What is said on a day of whose loss it is: of fixed pairs, of sites, of pairs that were bad from the first day."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from warehouse.contract.tables import DeviceKind
from warehouse.losses.baseline import posterior, reference
from warehouse.losses.first_day import first_day
from warehouse.losses.panel import COEFFICIENTS, Floats, Panel
from warehouse.losses.sample import PAIR, regressors
from warehouse.losses.schemas import FIRST_DAY_VERDICTS, REGISTER_VERDICTS, SITE_VERDICTS
from warehouse.losses.settings import SETTINGS, LossSettings
from warehouse.losses.verdict_settings import VERDICTS, VerdictSettings
from warehouse.losses.which_register import MARKS, which_register
from warehouse.losses.whose_fault import whose_fault

DAYS_OF_A_WEEK = 7

Devices = Mapping[DeviceKind, pl.DataFrame]
"""device_id, resolution_kwh, expected_interval_s, model."""


def open_findings_of_fixed_pairs(findings: pl.DataFrame, sites: pl.DataFrame) -> pl.DataFrame:
    """The open ones of ``LOSS_FINDINGS`` that are at none of these sites (``site_of_pairs``)."""
    return findings.filter(pl.col("state") == "open").join(sites, on=PAIR, how="anti", maintain_order="left")


def register_verdicts(
    findings: pl.DataFrame, rows: pl.DataFrame, devices: Devices, settings: VerdictSettings = VERDICTS
) -> pl.DataFrame:
    """``REGISTER_VERDICTS``: one row an open finding of a fixed pair. ``rows``: all of their sessions (``SAMPLE``)."""
    intervals_s = {
        kind: dict(devices[kind].select("device_id", "expected_interval_s").iter_rows()) for kind in DeviceKind
    }
    told = [
        _register_verdict(finding, rows, _interval_s(finding, intervals_s), settings)
        for finding in findings.iter_rows(named=True)
    ]
    return pl.DataFrame(told, REGISTER_VERDICTS, orient="row")


def _register_verdict(
    finding: Mapping[str, Any], rows: pl.DataFrame, interval_s: float, settings: VerdictSettings
) -> tuple[object, ...]:
    own = rows.filter(*(pl.col(name) == finding[name] for name in PAIR))
    baseline: Floats = np.array(finding["coefficients"], dtype=np.float64)
    said = which_register(own, finding["onset_at"], interval_s, regressors(own) @ baseline, settings)
    return (
        *(finding[name] for name in ("finding_id", *PAIR)),
        said.cause.value,
        said.probability,
        *(said.probabilities[cause] for cause in MARKS),
        *said.session_count,
        said.why.value if said.why else None,
        settings.version,
    )


def _interval_s(finding: Mapping[str, Any], intervals_s: Mapping[DeviceKind, Mapping[int, int]]) -> float:
    """The longer one of the intervals of its devices; of one that is not known any more, too long to tell anything."""
    return max(float(intervals_s[kind].get(finding[kind.device_id], np.inf)) for kind in DeviceKind)


def site_verdicts(
    rows: pl.DataFrame,
    sites: pl.DataFrame,
    findings: pl.DataFrame,
    fleet: Floats,
    day: date,
    losses: LossSettings = SETTINGS,
    settings: VerdictSettings = VERDICTS,
) -> pl.DataFrame:
    """``SITE_VERDICTS``: the losses of the sites that are looked at on the day.

    A site with a suspected or open finding is looked at each day, any other once a week; which day that is, its first
    meter says. ``rows``: a sample of the days up to this one; ``sites``: of its pairs (``site_of_pairs``); ``fleet``:
    the coefficients of its fit.
    """
    found = findings.filter(pl.col("state").is_in(["suspected", "open"])).select(*PAIR, is_found=True)
    is_due = (pl.col("site_meter_id") + day.toordinal()) % DAYS_OF_A_WEEK == 0
    looked_at = (
        sites.join(found, on=PAIR, how="left", maintain_order="left")
        .with_columns(is_found=pl.col("is_found").fill_null(value=False).any().over("site_meter_id"))
        .filter(is_due | pl.col("is_found"))
    )
    of_sites = rows.join(looked_at.select(*PAIR, "site_meter_id"), on=PAIR, maintain_order="left")
    told = [
        (
            site,
            place,
            said.subject.value,
            said.vehicle_id,
            said.meter_id,
            said.probability,
            said.z,
            said.shift,
            said.sigma,
            *said.began_between,
            said.session_count,
            said.counterpart_count,
            said.largest_share,
            said.deciding_charge,
            settings.version,
        )
        for (site,), own in of_sites.sort("site_meter_id", maintain_order=True)
        .partition_by("site_meter_id", as_dict=True, include_key=False)
        .items()
        for place, said in enumerate(whose_fault(own, fleet, losses, settings), start=1)
    ]
    return pl.DataFrame(told, SITE_VERDICTS, orient="row")


def first_day_verdicts(
    rows: pl.DataFrame,
    fleet: Floats,
    devices: Devices,
    week: date,
    losses: LossSettings = SETTINGS,
    settings: VerdictSettings = VERDICTS,
) -> pl.DataFrame:
    """``FIRST_DAY_VERDICTS`` of the pairs with enough sessions. ``rows``: those before the Monday of the week."""
    panel = Panel.of(rows, losses)
    coefficients = posterior(reference(panel, fleet, losses).total, fleet, losses).coefficients
    hours = rows.group_by(PAIR, maintain_order=True).agg(
        pl.col("hours_per_kwh").median(),
        session_count=pl.len(),
        dc_kwh_per_day=pl.col("dc_kwh").sum() / (pl.lit(week) - pl.col("day").min()).dt.total_days().clip(1),
    )
    known = hours.with_columns(
        intercept=coefficients.reshape(-1, COEFFICIENTS)[:, 0], fixed_kw=coefficients.reshape(-1, COEFFICIENTS)[:, 1]
    ).filter(pl.col("session_count") >= losses.least_older_sessions)
    for kind, name in ((DeviceKind.VEHICLE, "vehicle_model"), (DeviceKind.METER, "meter_model")):
        models = devices[kind].select(pl.col("device_id").alias(kind.device_id), pl.col("model").alias(name))
        known = known.join(models, on=kind.device_id, how="left", maintain_order="left")
    return (
        first_day(known, settings)
        .rename({"intercept": "share_ratio"})
        .with_columns(week=pl.lit(week), rule_version=pl.lit(settings.version))
        .select(FIRST_DAY_VERDICTS.names())
        .cast(FIRST_DAY_VERDICTS)
    )
