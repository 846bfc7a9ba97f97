"""The one hot step of the warehouse: the energy rule over a day's samples, summed by device, hour and mapping segment.

Window SQL over tens of millions of rows costs several times more, so this step is Polars: a sorted file, plain shifts
and a mask where the device changes. ``warehouse/contract/energy.py`` is the plain reference it is held to.
"""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from warehouse.contract.energy import (
    GAP_INTERVALS,
    RESTARTS_BELOW,
    ROLLS_OVER_FROM,
    ROLLS_OVER_TO,
    TOLERANCE_KWH,
    EnergyKind,
    Flag,
)
from warehouse.contract.partitions import midnight
from warehouse.lake.reach import cap_kwh, is_glitch, of_device, reaches

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")

SAMPLES = pl.Schema({"device_id": pl.Int32(), "ts": INSTANT, "kwh": pl.Float64(), "battery_temp_celsius": pl.Float32()})
"""What ``classified_steps`` takes: one device's samples together and in order of time."""

HOURS = (
    *("kind", "device_id", "hour", "segment_from", "energy_kwh", "reading_count"),
    *(f"{flag}_count" for flag in Flag),
    *("battery_temp_celsius_sum", "battery_temp_count", "first_step_at", "carried_in_kwh"),
)
"""The columns of ``hourly_energy``."""
FLAGGED = pl.Schema(
    {
        "kind": pl.String(),
        "device_id": pl.Int32(),
        "ts": INSTANT,
        "before_ts": INSTANT,
        "before_kwh": pl.Float64(),
        "kwh": pl.Float64(),
        "energy_kwh": pl.Float64(),
        "flag": pl.String(),
    }
)
"""The columns of ``flagged_steps``."""


def classified_steps(samples: pl.LazyFrame, boundary: pl.LazyFrame, devices: pl.LazyFrame) -> pl.LazyFrame:
    """Each sample of the day with what its step books and which flag it carries.

    ``samples``: sorted by (device_id, ts), columns ``SAMPLES``. ``boundary``: one sample a device from before the
    day (device_id, ts, kwh). ``devices``: the settings (device_id, energy_kind, max_power_kw, rollover_kwh,
    max_reset_kwh, expected_interval_s, segment_from). Adds them, before_ts, before_kwh, energy_kwh, flag (null: growth)
    and is_gap.
    """
    before_day = boundary.select(*SAMPLES.names()[:3], battery_temp_celsius=pl.lit(None, pl.Float32)).sort("device_id")
    ordered = (
        before_day.with_columns(is_boundary=pl.lit(value=True))
        .merge_sorted(samples.with_columns(is_boundary=pl.lit(value=False)), key=["device_id", "ts"])
        .join(devices, on="device_id", how="left", maintain_order="left")
        .with_columns(us=pl.col("ts").dt.timestamp("us"))
    )
    marked = ordered.with_columns(is_glitch=is_glitch())
    kept = marked.filter(~pl.col("is_glitch")).with_columns(
        before_ts=of_device("ts", 1), before_kwh=of_device("kwh", 1), before_us=of_device("us", 1)
    )
    glitches = marked.filter("is_glitch").with_columns(
        before_ts=pl.lit(None, INSTANT), before_kwh=pl.lit(None, pl.Float64), before_us=pl.lit(None, pl.Int64)
    )
    return (
        pl.concat([kept, glitches])
        .filter(~pl.col("is_boundary"))
        .with_columns(seconds=(pl.col("us") - pl.col("before_us")) / 1e6)
        .with_columns(flag=_flag(), is_gap=is_gap(pl.col("seconds")))
        .with_columns(energy_kwh=_energy())
    )


def hourly_energy(steps: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    """Sum classified steps by device, hour and segment."""
    hour_us = pl.col("ts").dt.truncate("1h").dt.timestamp("us")
    return (
        steps.with_columns(carried_in_kwh=carried_in(pl.col("energy_kwh"), pl.col("before_us"), pl.col("us"), hour_us))
        .group_by("device_id", in_hour(), "segment_from")
        .agg(
            pl.col("energy_kwh", "carried_in_kwh").sum(),
            *reading_sums(),
            first_step_at=pl.coalesce(pl.col("before_ts").min(), pl.col("ts").min()),
            **{f"{flag}_count": _count(pl.col("flag") == flag) for flag in Flag if flag is not Flag.GAP},
            gap_count=_count(pl.col("is_gap")),
        )
        .with_columns(kind=pl.lit(kind))
        .select(HOURS)
    )


def carried_in(energy_kwh: pl.Expr, before_us: pl.Expr, us: pl.Expr, hour_us: pl.Expr) -> pl.Expr:
    """What of a step's energy flowed before its hour began, kWh, if it flowed evenly."""
    share = (hour_us - before_us) / (us - before_us)
    return pl.when(before_us < hour_us).then(energy_kwh * share).otherwise(0.0)


def in_hour() -> pl.Expr:
    """The hour of a sample."""
    return pl.col("ts").dt.truncate("1h").alias("hour")


def reading_sums() -> list[pl.Expr]:
    """What is summed of readings whatever their register did."""
    temperature = pl.col("battery_temp_celsius")
    return [
        pl.len().cast(pl.Int32).alias("reading_count"),
        temperature.cast(pl.Float64).sum().alias("battery_temp_celsius_sum"),  # Float32 sums lose digits
        temperature.count().cast(pl.Int32).alias("battery_temp_count"),
    ]


def flagged_steps(steps: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    """The steps that carry a flag, once for each flag: the evidence behind every count."""
    flagged = steps.filter(pl.col("flag").is_not_null())
    gaps = steps.filter("is_gap").with_columns(flag=pl.lit(Flag.GAP.value))
    return pl.concat(each.with_columns(kind=pl.lit(kind)).select(FLAGGED.names()) for each in (flagged, gaps))


def with_segment(devices: pl.LazyFrame, mapping_changes: pl.DataFrame, day: date) -> pl.LazyFrame:
    """Add to the settings ``segment_from``: the last change of the device's mappings at or before the day's midnight.

    ``mapping_changes`` (device_id, ts): every instant at which a mapping of the device begins or ends.
    """
    before = mapping_changes.filter(pl.col("ts") <= midnight(day))
    segments = before.group_by("device_id").agg(segment_from=pl.col("ts").max())
    return devices.join(segments.lazy(), on="device_id", how="left").with_columns(
        pl.col("segment_from").fill_null(_EPOCH)
    )


def changes_of_the_day(mapping_changes: pl.DataFrame, day: date) -> pl.DataFrame:
    """The instants after midnight at which devices change hands."""
    return mapping_changes.filter(pl.col("ts") > midnight(day), pl.col("ts") < midnight(day + timedelta(days=1)))


def cut_at_changes(steps: pl.LazyFrame, changes: pl.DataFrame) -> pl.LazyFrame:
    """Let the ``segment_from`` of devices that change hands be the last change at or before a step's later sample.

    Few devices do on a given day, and a search by time for all of them would cost more than the rule.
    """
    if changes.is_empty():
        return steps
    is_changing = pl.col("device_id").is_in(changes["device_id"].implode())
    edges = changes.unique().sort("ts").select("device_id", pl.col("ts").alias("changed_at")).lazy()
    cut = (
        steps.filter(is_changing)
        .sort("ts")
        .join_asof(edges, left_on="ts", right_on="changed_at", by="device_id", check_sortedness=False)
        .with_columns(segment_from=pl.coalesce("changed_at", "segment_from"))
        .drop("changed_at")
    )
    return pl.concat([steps.filter(~is_changing), cut])


def device_last(samples: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    """Each device's last sample of the day, from samples sorted by (device_id, ts)."""
    return (
        samples.group_by("device_id", maintain_order=True)
        .agg(pl.col("ts").last(), pl.col("kwh").last())
        .select(pl.lit(kind).alias("kind"), pl.all())
        .sort("device_id")
    )


def is_gap(seconds: pl.Expr) -> pl.Expr:
    """Whether a step took too long."""
    is_long = seconds > GAP_INTERVALS * pl.col("expected_interval_s")
    return ((pl.col("energy_kind") == EnergyKind.COUNTER) & is_long).fill_null(value=False)


def _flag() -> pl.Expr:
    before, after, seconds = pl.col("before_kwh"), pl.col("kwh"), pl.col("seconds")
    rollover, cap = pl.col("rollover_kwh"), cap_kwh(seconds) + TOLERANCE_KWH
    rolls_over = (
        (before >= ROLLS_OVER_FROM * rollover - TOLERANCE_KWH)
        & (before <= rollover + TOLERANCE_KWH)
        & (after <= ROLLS_OVER_TO * rollover + TOLERANCE_KWH)
        & (rollover - before + after <= cap)
    ).fill_null(value=False)
    most_kwh = pl.min_horizontal(cap, pl.col("max_reset_kwh") + TOLERANCE_KWH)  # null is no limit
    restarts = (after < RESTARTS_BELOW * before + TOLERANCE_KWH) & (after <= most_kwh)
    return (
        pl.when("is_glitch")
        .then(pl.lit(Flag.GLITCH.value))
        .when((pl.col("energy_kind") != EnergyKind.COUNTER) | before.is_null())
        .then(pl.lit(None, pl.String))
        .when(reaches(before, after, seconds))
        .then(pl.when(after < before).then(pl.lit(Flag.DIP.value)))
        .when(after - before > cap)
        .then(pl.lit(Flag.JUMP.value))
        .when(rolls_over)
        .then(pl.lit(Flag.ROLLOVER.value))
        .when(restarts)
        .then(pl.lit(Flag.RESET.value))
        .otherwise(pl.lit(Flag.REBASE.value))
    )


def _energy() -> pl.Expr:
    change = pl.col("kwh") - pl.col("before_kwh")
    return (
        pl.when(pl.col("energy_kind") != EnergyKind.COUNTER)
        .then(pl.col("kwh"))
        .when(pl.col("flag").is_null() | (pl.col("flag") == Flag.DIP))
        .then(change.fill_null(0.0))
        .when(pl.col("flag") == Flag.ROLLOVER)
        .then((pl.col("rollover_kwh") + change).clip(0.0))  # within the tolerance it could be less
        .when(pl.col("flag") == Flag.RESET)
        .then(pl.col("kwh"))
        .otherwise(0.0)
    )


def _count(condition: pl.Expr) -> pl.Expr:
    return condition.fill_null(value=False).sum().cast(pl.Int32)
