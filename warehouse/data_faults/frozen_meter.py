"""R6: a meter whose register stands still while a vehicle charges."""

from typing import Any

import polars as pl

from warehouse.contract.findings import Rule
from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.rules import fault, found_rows
from warehouse.data_faults.settings import SETTINGS, FaultSettings


def frozen_sessions(recent: pl.DataFrame, settings: FaultSettings = SETTINGS) -> pl.DataFrame:
    """Sessions with DC of which the mapped meter counted next to nothing, although they took place there.

    DC >= max(0.5 kWh, 5 (r_ac + r_dc)) with AC < 20 % of it (findings.md, R6), coverages of 0.9 or more, no silence of
    the meter. It took place there if the voltage at the meter was lower during the charge than in the 30 minutes
    before, if the power is the usual one at this meter as far as there is one, and if the state of charge rose: else
    the vehicle charged elsewhere, or its register counts what braking brings back. Lower is by max(1 V, half of what is
    usual at this meter): the means of some readings scatter by a tenth of a volt, so that the evening's drift decides
    and not their sigma. A meter that reads no voltage is never called frozen.
    """
    candidates = recent.filter(_counts_nothing(settings)).join(_usual(recent, settings), on="meter_id", how="left")
    sag = pl.col("voltage_before_volts") - pl.col("mean_voltage_volts")
    least_sag = pl.max_horizontal(pl.lit(settings.least_sag_volts), settings.least_sag_share * pl.col("usual_volts"))
    is_usual = (pl.col("dc_plateau_kw") / pl.col("usual_kw") - 1).abs() <= settings.usual_plateau_share
    rose = pl.col("soc_end_percent") > pl.col("soc_start_percent")
    return candidates.filter(rose.fill_null(value=True), sag >= least_sag, is_usual.fill_null(value=True)).select(
        recent.columns
    )


def frozen_meters(
    recent: pl.DataFrame, frozen: pl.DataFrame, explained: pl.Series, settings: FaultSettings = SETTINGS
) -> pl.DataFrame:
    """R6: two frozen sessions of the meter's last ten with DC. ``explained``: vehicles that R8 or R7 explains."""
    is_explained = pl.col("vehicle_id").is_in(explained.implode()).fill_null(value=False)
    of_meter = (
        recent.join(frozen.select("meter_id").unique(), on="meter_id", how="semi")
        .filter(pl.col("dc_kwh").is_not_null(), ~is_explained)
        .sort("meter_id", "dc_ended_at", "session_id")
        .filter(pl.int_range(pl.len()).reverse().over("meter_id") < settings.frozen_window)
        .with_columns(is_frozen=pl.col("session_id").is_in(frozen["session_id"].implode()))
    )
    rows = []
    for (meter_id,), sessions in of_meter.partition_by("meter_id", as_dict=True, maintain_order=True).items():
        hit = sessions.filter("is_frozen")
        if hit.height >= settings.frozen_sessions:
            rows.append(_said(int(meter_id), sessions, hit, settings))
    return found_rows(rows)


def _counts_nothing(settings: FaultSettings) -> pl.Expr:
    ticks_kwh = settings.frozen_resolutions * (pl.col("ac_resolution_kwh") + pl.col("dc_resolution_kwh"))
    is_charge = pl.col("dc_kwh") >= pl.max_horizontal(pl.lit(settings.frozen_least_kwh), ticks_kwh)
    is_still = pl.col("ac_kwh").fill_null(0.0) < settings.frozen_share * pl.col("dc_kwh")
    coverage = pl.min_horizontal(pl.col("ac_coverage").fill_null(1.0), pl.col("dc_coverage"))
    is_seen = (coverage >= settings.least_coverage) & ~pl.col("meter_was_silent")
    of_a_pair = pl.col("kind").is_in(["dc_only", "charge", "implausible"]) & pl.col("meter_id").is_not_null()
    return of_a_pair & is_charge & is_still & is_seen


def _usual(recent: pl.DataFrame, settings: FaultSettings) -> pl.DataFrame:
    """By meter the medians of sessions whose sides agree: usual_kw of DC, usual_volts by which the voltage sags."""
    whole = recent.filter("is_matched", pl.col("dc_kwh") > settings.frozen_least_kwh)
    sag = pl.col("voltage_before_volts") - pl.col("mean_voltage_volts")
    return (
        whole.group_by("meter_id")
        .agg(usual_kw=pl.col("dc_plateau_kw").median(), usual_volts=sag.median(), count=pl.len())
        .filter(pl.col("count") >= settings.usual_sessions)
        .drop("count")
    )


def _said(meter_id: int, sessions: pl.DataFrame, hit: pl.DataFrame, settings: FaultSettings) -> dict[str, Any]:
    onset_at = hit["dc_started_at"].min()
    before = sessions.filter("is_matched", pl.col("dc_ended_at") < onset_at)["dc_ended_at"]
    vehicles = hit["vehicle_id"].unique()
    return fault(
        Rule.FROZEN_METER,
        DeviceKind.METER,
        meter_id,
        vehicle_id=vehicles[0] if len(vehicles) == 1 else None,
        onset_after=before.max(),
        onset_at=onset_at,
        last_seen_at=hit["dc_ended_at"].max(),
        observed=float(hit.height),
        allowed=float(settings.frozen_sessions),
        unit="sessions",
        session_count=sessions.height,
        evidence_count=hit.height,
        session_ids=hit["session_id"].to_list(),
        ac_kwh=hit["ac_kwh"].sum(),
        dc_kwh=hit["dc_kwh"].sum(),
        detail=f"the register stood still in {hit.height} of {sessions.height} sessions, "
        f"in which {hit['dc_kwh'].sum():.1f} kWh reached the battery",
    )
