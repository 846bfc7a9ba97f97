"""The table of sessions, from islands that are settled."""

import polars as pl

from warehouse.contract.efficiency import efficiency_ratio
from warehouse.contract.energy import Flag
from warehouse.contract.tables import DeviceKind
from warehouse.sessions.schemas import CHARGING_SESSIONS, INSTANT
from warehouse.sessions.settings import HOUR_US, SETTINGS, SessionSettings

SPOILING = (Flag.JUMP, Flag.REBASE)
"""Flags of steps whose energy is not known."""

DC_START_US, DC_STOP_US = (pl.col(f"dc_{edge}_us") + pl.col("dc_lag_us") for edge in ("start", "stop"))
"""When the DC side began and ended by the meter's clock."""


def session_table(settled: pl.DataFrame, settings: SessionSettings) -> pl.DataFrame:
    """``charging_sessions``: one row for each session of the islands, in order of time."""
    sides = [_side(settled.filter(pl.col("kind") == kind), kind) for kind in DeviceKind]
    both = sides[0].join(sides[1], on="session", how="full", coalesce=True)
    has_ac, has_dc = pl.col("ac_kwh").is_not_null(), pl.col("dc_kwh").is_not_null()
    kind = (
        pl.when(pl.any_horizontal("ac_is_cut", "dc_is_cut"))
        .then(pl.lit("cut"))
        .when(pl.any_horizontal("ac_is_shared", "dc_is_shared"))
        .then(pl.lit("shared_meter"))
        .when(~has_dc)
        .then(pl.lit("ac_only"))
        .when(~has_ac)
        .then(pl.lit("dc_only"))
        .when(is_implausible(settings))
        .then(pl.lit("implausible"))
        .otherwise(pl.lit("charge"))
    )
    return (
        both.with_columns(kind=kind)
        .with_columns(_figures(has_ac))
        .with_columns(is_qualified=_is_qualified(settings))
        .select(CHARGING_SESSIONS.names())
        .cast(CHARGING_SESSIONS)
        .sort("ended_at", "session_id")
    )


def is_implausible(settings: SessionSettings = SETTINGS) -> pl.Expr:
    """Whether a session's energies cannot be true: more DC than AC, or a charger in a car that loses next to nothing.

    Takes ac_kwh, dc_kwh, ac_resolution_kwh, dc_resolution_kwh and ac_mean_kw (null: not known, taken for a charger in
    a car). A single session is no finding by itself; it is left out of every baseline.
    """
    ac, dc = pl.col("ac_kwh"), pl.col("dc_kwh")
    of_ticks = (pl.col("ac_resolution_kwh") ** 2 + pl.col("dc_resolution_kwh") ** 2) / 6
    of_gains = (settings.sigma_ac * ac) ** 2 + (settings.sigma_dc * dc) ** 2
    is_above = dc - ac > settings.implausible_sigma * (of_ticks + of_gains).sqrt()
    is_in_car = (pl.col("ac_mean_kw") <= settings.most_ac_kw).fill_null(value=True)
    loses_nothing = dc - (1 - settings.least_ac_loss) * ac > settings.implausible_sigma * of_ticks.sqrt()
    return is_above | (is_in_car & loses_nothing)


def _side(of_kind: pl.DataFrame, kind: DeviceKind) -> pl.DataFrame:
    """One row a session: the figures of one side, named ac_ or dc_."""
    span_us = pl.col("end_us").max() - pl.col("read_from_us").min()
    readings = pl.col("behind_row").max() - pl.col("first_row").min()
    expected = pl.max_horizontal(span_us / pl.col("interval_us").first(), pl.lit(1.0))
    first = pl.col("device_id").first().cast(pl.String) + "-" + (pl.col("end_us").first() // 1_000_000).cast(pl.String)
    flags = pl.col("flags").list.explode(keep_nulls=False, empty_as_null=False).unique().sort().str.join(",")
    side = (
        of_kind.sort("session", "start_us")
        .group_by("session", maintain_order=True)
        .agg(
            id=pl.lit(f"{kind}-") + first,
            meter_id=pl.col("meter_id").first(),
            vehicle_id=pl.col("vehicle_id").first(),
            start_us=pl.col("start_us").min(),
            stop_us=pl.col("end_us").max(),
            kwh=pl.col("kwh").sum(),
            hours=(pl.col("end_us") - pl.col("start_us")).sum() / HOUR_US,
            island_count=pl.len().cast(pl.Int32),
            plateau_kw=pl.col("plateau_kw").sort_by("kwh").last(),
            coverage=pl.min_horizontal(readings / expected, pl.lit(1.0)),
            flags=flags,
            resolution_kwh=pl.col("resolution_kwh").first(),
            lag_us=pl.col("lag_us").first(),
            apart_us=(pl.col("quiet_us") + 2 * pl.col("interval_us")).first(),
            is_cut=pl.col("is_cut").any(),
            is_shared=pl.col("is_shared").any(),
            **{
                name: pl.col(name).sum()
                for name in (
                    "voltage_sum",
                    "voltage_count",
                    "voltage_reading_count",
                    "temperature_sum",
                    "temperature_count",
                )
            },
            before_sum=pl.col("before_voltage_sum").first(),
            before_count=pl.col("before_voltage_count").first(),
            soc_start=pl.col("soc_start_percent").first(),
            soc_end=pl.col("soc_end_percent").last(),
        )
        .with_columns(mean_kw=pl.col("kwh") / pl.col("hours"))
    )
    name = "ac" if kind is DeviceKind.METER else "dc"
    return side.select("session", pl.exclude("session").name.prefix(f"{name}_"))


def _figures(has_ac: pl.Expr) -> list[pl.Expr]:
    def of_ac_else_dc(name: str) -> pl.Expr:
        return pl.when(has_ac).then(f"ac_{name}").otherwise(f"dc_{name}")

    def mean(total: str, count: str) -> pl.Expr:
        return pl.when(of_ac_else_dc(count) > 0).then(of_ac_else_dc(total) / of_ac_else_dc(count))

    is_of_both = pl.col("kind").is_in(["charge", "implausible"])
    instants = [
        instant(pl.col(f"{side}_{edge}_us")).alias(f"{side}_{word}_at")
        for side in ("ac", "dc")
        for edge, word in (("start", "started"), ("stop", "ended"))
    ]
    return [
        pl.coalesce("ac_id", "dc_id").alias("session_id"),
        pl.coalesce("ac_meter_id", "dc_meter_id").alias("meter_id"),
        pl.coalesce("dc_vehicle_id", "ac_vehicle_id").alias("vehicle_id"),
        instant(pl.min_horizontal("ac_start_us", DC_START_US)).alias("started_at"),
        instant(pl.max_horizontal("ac_stop_us", DC_STOP_US)).alias("ended_at"),
        *instants,
        pl.when(pl.col("dc_lag_us") != 0).then(pl.col("dc_lag_us") // 1_000_000).alias("clock_lag_s"),
        pl.when(is_of_both).then(efficiency_ratio(pl.col("ac_kwh"), pl.col("dc_kwh"))).alias("efficiency_ratio"),
        pl.col("ac_island_count", "dc_island_count").fill_null(0),
        mean("voltage_sum", "voltage_count").alias("mean_voltage_volts"),
        mean("before_sum", "before_count").alias("voltage_before_volts"),
        mean("voltage_count", "voltage_reading_count").alias("voltage_share"),
        pl.col("dc_soc_start").alias("soc_start_percent"),
        pl.col("dc_soc_end").alias("soc_end_percent"),
        pl.when(pl.col("dc_temperature_count") > 0)
        .then(pl.col("dc_temperature_sum") / pl.col("dc_temperature_count"))
        .alias("mean_battery_temp_celsius"),
        pl.col("ac_flags", "dc_flags").fill_null(""),
    ]


def _is_qualified(settings: SessionSettings) -> pl.Expr:
    flags = pl.concat_str("ac_flags", "dc_flags", separator=",").str.split(",")
    is_known = ~flags.list.eval(pl.element().is_in([str(flag) for flag in SPOILING])).list.any()
    covered = pl.min_horizontal("ac_coverage", "dc_coverage") >= settings.qualified_coverage
    is_large = pl.col("ac_kwh") >= settings.qualified_kwh
    return ((pl.col("kind") == "charge") & is_large & covered & is_known & _is_of_one_charge()).fill_null(value=False)


def _is_of_one_charge() -> pl.Expr:
    """Whether DC flowed while AC did, of sessions that a lag was taken off; of all others it is believed.

    A lag is known from the sessions before. When the clock was set, it puts islands of different charges together.
    """
    before_us, behind_us = pl.col("ac_start_us") - DC_START_US, DC_STOP_US - pl.col("ac_stop_us")
    allowed_us = pl.max_horizontal("ac_apart_us", "dc_apart_us")
    return (pl.col("dc_lag_us") == 0) | (pl.max_horizontal(before_us, behind_us) <= allowed_us)


def instant(us: pl.Expr) -> pl.Expr:
    """Microseconds since 1970 as an instant."""
    return us.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(INSTANT)
