"""R4: a charger that draws more between sessions than it used to, and than its peers."""

from datetime import date, timedelta
from typing import Any, NamedTuple

import polars as pl

from warehouse.contract.findings import Rule
from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.rules import fault, found_rows
from warehouse.data_faults.schemas import STANDBY_HISTORY
from warehouse.data_faults.settings import SETTINGS, FaultSettings

LISTS = ("days", "excess_watts", "limit_watts")


class Leakage(NamedTuple):
    """What R4 found, and what it has to know of this day later."""

    found: pl.DataFrame
    history: pl.DataFrame


def standby_limit_watts(settings: FaultSettings = SETTINGS) -> pl.Expr:
    """max(15 W, 4 u) with u = 700 r sqrt(idle spans) / idle hours in W (findings.md, R4).

    u is what a tick of r kWh at either end of each idle span adds to the mean power, one standard deviation. Takes
    resolution_kwh, idle_span_count, idle_hours.
    """
    spans = pl.col("idle_span_count").clip(1).sqrt()
    uncertainty = settings.tick_watt_hours * pl.col("resolution_kwh") * spans / pl.col("idle_hours")
    return pl.max_horizontal(pl.lit(settings.leak_least_watts), settings.leak_sigmas * uncertainty)


def leakage(
    standby: pl.DataFrame, meters: pl.DataFrame, history: pl.DataFrame, day: date, settings: FaultSettings = SETTINGS
) -> Leakage:
    """R4: on 3 of the last 4 days with 6 idle hours or more, the idle power is above what it should be by the limit.

    It should be min(the median of the meter's own first days, its peers' median of the day + 10 W); the peers are
    chargers of the same model or, up to 25 kW, of that size: large ones differ too much from each other.

    ``standby``: meter_id, idle_watts, idle_hours, idle_span_count. ``meters``: meter_id, resolution_kwh, model and
    is_large of the mapped meters (``is_large``: above 25 kW; null: not known). ``history``: as it was the day before.
    """
    today = (
        standby.filter(pl.col("idle_hours") >= settings.idle_least_hours)
        .join(meters, on="meter_id", how="inner")
        .join(history, on="meter_id", how="left")
        .with_columns(pl.col("early_watts", *LISTS).fill_null([]))
        .with_columns(peers_watts=_peers_watts(settings), own_watts=_own_watts(settings))
    )
    reference = pl.min_horizontal("own_watts", pl.col("peers_watts") + settings.fleet_margin_watts)
    rated = today.with_columns(excess=(pl.col("idle_watts") - reference).round(2), limit=standby_limit_watts().round(2))
    fresh = {"days": pl.lit(day), "excess_watts": pl.col("excess"), "limit_watts": pl.col("limit")}
    updated = rated.select(
        "meter_id",
        early_watts=pl.concat_list("early_watts", pl.col("idle_watts").round(2)).list.head(settings.early_days),
        **{
            name: pl.when(pl.col("excess").is_null())
            .then(name)
            .otherwise(pl.concat_list(name, value).list.tail(settings.leak_of_days))
            for name, value in fresh.items()
        },
    ).cast(STANDBY_HISTORY)
    whole = pl.concat([updated, history.join(updated, on="meter_id", how="anti")]).sort("meter_id")
    return Leakage(_found(whole.join(meters, on="meter_id", how="semi"), day, settings), whole)


def _peers_watts(settings: FaultSettings) -> pl.Expr:
    def median(*group: str) -> pl.Expr:
        is_enough = pl.len().over(group) >= settings.least_peers
        is_named = pl.all_horizontal(pl.col(name).is_not_null() for name in group)
        return pl.when(is_enough & is_named).then(pl.col("idle_watts").median().over(group))

    return pl.coalesce(median("model"), pl.when(~pl.col("is_large")).then(median("is_large")))


def _own_watts(settings: FaultSettings) -> pl.Expr:
    is_known = pl.col("early_watts").list.len() >= settings.early_least_days
    return pl.when(is_known).then(pl.col("early_watts").list.median())


def _found(history: pl.DataFrame, day: date, settings: FaultSettings) -> pl.DataFrame:
    oldest = day - timedelta(days=settings.forgotten_after_days)
    rows: list[dict[str, Any]] = []
    for row in history.filter(pl.col("days").list.last() > oldest).iter_rows(named=True):
        days = list(zip(*(row[name] for name in LISTS), strict=True))
        above = [(on, excess, limit) for on, excess, limit in days if excess > limit]
        if len(above) >= settings.leak_days:
            rows.append(_said(row["meter_id"], above, len(days)))
    return found_rows(rows)


def _said(meter_id: int, above: list[tuple[date, float, float]], days: int) -> dict[str, Any]:
    watts = float(pl.Series([excess for _, excess, _ in above]).median())  # type: ignore[arg-type]
    return fault(
        Rule.LEAKAGE,
        DeviceKind.METER,
        meter_id,
        onset_at=midnight(above[0][0]),
        last_seen_at=midnight(above[-1][0] + timedelta(days=1)),
        observed=watts,
        allowed=max(limit for _, _, limit in above),
        unit="W",
        evidence_count=len(above),
        detail=f"{watts:.0f} W more than usual flow between sessions, on {len(above)} of the last {days} idle days",
    )
