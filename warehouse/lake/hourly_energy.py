"""The one hot step of the warehouse: the energy rule over a day's samples, summed by device, hour and mapping segment.

Window SQL over tens of millions of rows costs several times more, so this step is Polars: a sorted file, plain shifts
and a mask where the device changes. ``warehouse/contract/energy.py`` is the plain reference it is held to.
"""

from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from warehouse.contract.energy import TOLERANCE_KWH, EnergyKind, Flag

_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")

SAMPLES = pl.Schema({"device_id": pl.Int32(), "ts": INSTANT, "kwh": pl.Float64(), "battery_temp_celsius": pl.Float32()})
"""What ``judged_steps`` takes: one device's samples together and in order of time."""


def judged_steps(samples: pl.LazyFrame, carried: pl.LazyFrame, devices: pl.LazyFrame) -> pl.LazyFrame:
    """Each sample of the day with what its step books and how it is judged.

    ``samples``: sorted by (device_id, ts), columns ``SAMPLES``. ``carried``: one sample a device from before the day
    (device_id, ts, kwh). ``devices``: the settings (device_id, energy_kind, max_power_kw, rollover_kwh,
    expected_interval_s). Adds before_ts, before_kwh, energy_kwh, flag (null: growth), is_gap, expected_interval_s.
    """
    before_day = carried.select(*SAMPLES.names()[:3], battery_temp_celsius=pl.lit(None, pl.Float32)).sort("device_id")
    ordered = (
        before_day.with_columns(is_carried=pl.lit(value=True))
        .merge_sorted(samples.with_columns(is_carried=pl.lit(value=False)), key=["device_id", "ts"])
        .join(devices, on="device_id", how="left", maintain_order="left")
        .with_columns(us=pl.col("ts").dt.timestamp("us"))
    )
    marked = ordered.with_columns(is_glitch=_is_glitch())
    kept = marked.filter(~pl.col("is_glitch")).with_columns(
        before_ts=_of_device("ts", 1), before_kwh=_of_device("kwh", 1), before_us=_of_device("us", 1)
    )
    glitches = marked.filter("is_glitch").with_columns(
        before_ts=pl.lit(None, INSTANT), before_kwh=pl.lit(None, pl.Float64), before_us=pl.lit(None, pl.Int64)
    )
    return (
        pl.concat([kept, glitches])
        .filter(~pl.col("is_carried"))
        .with_columns(seconds=(pl.col("us") - pl.col("before_us")) / 1e6)
        .with_columns(flag=_flag(), is_gap=_is_gap())
        .with_columns(energy_kwh=_energy())
    )


def hourly_energy(steps: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    """Sum judged steps (with their ``segment_from``) by device, hour and segment."""
    return (
        steps.with_columns(hour=pl.col("ts").dt.truncate("1h"))
        .group_by("device_id", "hour", "segment_from")
        .agg(
            pl.col("energy_kwh").sum(),
            reading_count=pl.len().cast(pl.Int32),
            **{f"{flag}_count": _count(pl.col("flag") == flag) for flag in Flag if flag is not Flag.GAP},
            gap_count=_count(pl.col("is_gap")),
            # Float32 sums lose digits: cast first.
            battery_temp_celsius_sum=pl.col("battery_temp_celsius").cast(pl.Float64).sum(),
            battery_temp_count=pl.col("battery_temp_celsius").count().cast(pl.Int32),
        )
        .select(pl.lit(kind).alias("kind"), pl.all())
        .sort("device_id", "hour", "segment_from")
    )


def flagged_steps(steps: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    """The steps that carry a flag, once for each flag: the evidence behind every count."""
    columns = ["device_id", "ts", "before_ts", "before_kwh", "kwh", "energy_kwh"]
    judged = steps.filter(pl.col("flag").is_not_null()).select(*columns, "flag")
    gaps = steps.filter("is_gap").select(*columns, flag=pl.lit(Flag.GAP.value))
    return pl.concat([judged, gaps]).select(pl.lit(kind).alias("kind"), pl.all()).sort("device_id", "ts", "flag")


def with_segments(steps: pl.LazyFrame, boundaries: pl.DataFrame, day: date) -> pl.LazyFrame:
    """Add ``segment_from``: the last change of the device's mappings at or before the step's later sample.

    ``boundaries`` (device_id, ts): every instant at which a mapping of the device begins or ends. Few devices change
    hands on a given day; the others' segment is the same all day, and a search by time would cost more than the rule.
    """
    midnight = datetime.combine(day, time(), UTC)
    at_midnight = (
        boundaries.filter(pl.col("ts") <= midnight).group_by("device_id").agg(pl.col("ts").max().alias("segment_from"))
    )
    changing = boundaries.filter(pl.col("ts") > midnight, pl.col("ts") < midnight + timedelta(days=1))
    of_the_day = (
        steps.join(changing.lazy(), on="device_id", how="anti")
        .join(at_midnight.lazy(), on="device_id", how="left")
        .with_columns(pl.col("segment_from").fill_null(_EPOCH))
    )
    if changing.is_empty():
        return of_the_day
    edges = pl.concat([at_midnight, changing.rename({"ts": "segment_from"})]).unique().sort("segment_from")
    cut = (
        steps.join(changing.lazy(), on="device_id", how="semi")
        .sort("ts")
        .join_asof(edges.lazy(), left_on="ts", right_on="segment_from", by="device_id", check_sortedness=False)
        .with_columns(pl.col("segment_from").fill_null(_EPOCH))
    )
    return pl.concat([of_the_day, cut])


def device_last(samples: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    """Each device's last sample of the day, from samples sorted by (device_id, ts)."""
    return (
        samples.group_by("device_id", maintain_order=True)
        .agg(pl.col("ts").last(), pl.col("kwh").last())
        .select(pl.lit(kind).alias("kind"), pl.all())
        .sort("device_id")
    )


def _of_device(column: str, offset: int) -> pl.Expr:
    """The neighbour's value, null where the neighbour is another device's."""
    return pl.when(pl.col("device_id") == pl.col("device_id").shift(offset)).then(pl.col(column).shift(offset))


def _cap_kwh(seconds: pl.Expr) -> pl.Expr:
    return (pl.col("max_power_kw") * seconds / 3600 * 1.10 + 1.0).fill_null(float("inf"))


def _reaches(before_kwh: pl.Expr, after_kwh: pl.Expr, seconds: pl.Expr) -> pl.Expr:
    largest_dip = pl.min_horizontal(0.10 * before_kwh, _cap_kwh(pl.min_horizontal(seconds, pl.lit(900.0))))
    change = after_kwh - before_kwh
    return (change >= -largest_dip - TOLERANCE_KWH) & (change <= _cap_kwh(seconds) + TOLERANCE_KWH)


def _is_glitch() -> pl.Expr:
    before_kwh, before_us = _of_device("kwh", 1), _of_device("us", 1)
    next_kwh, next_us = _of_device("kwh", -1), _of_device("us", -1)
    return (
        (pl.col("energy_kind") == EnergyKind.COUNTER)
        & pl.col("max_power_kw").is_not_null()
        & (pl.col("us") // _DAY_US == next_us // _DAY_US)
        & ~_reaches(before_kwh, pl.col("kwh"), (pl.col("us") - before_us) / 1e6)
        & _reaches(before_kwh, next_kwh, (next_us - before_us) / 1e6)
    ).fill_null(value=False)


def _flag() -> pl.Expr:
    before, after, seconds = pl.col("before_kwh"), pl.col("kwh"), pl.col("seconds")
    rollover, cap = pl.col("rollover_kwh"), _cap_kwh(seconds) + TOLERANCE_KWH
    rolls_over = (
        (before >= 0.9 * rollover - TOLERANCE_KWH)
        & (after <= 0.1 * rollover + TOLERANCE_KWH)
        & (rollover - before + after <= cap)
    ).fill_null(value=False)
    restarts = (after < 0.9 * before + TOLERANCE_KWH) & (after <= cap)
    return (
        pl.when("is_glitch")
        .then(pl.lit(Flag.GLITCH.value))
        .when((pl.col("energy_kind") != EnergyKind.COUNTER) | before.is_null())
        .then(pl.lit(None, pl.String))
        .when(_reaches(before, after, seconds))
        .then(pl.when(after < before).then(pl.lit(Flag.DIP.value)))
        .when(after - before > cap)
        .then(pl.lit(Flag.JUMP.value))
        .when(rolls_over)
        .then(pl.lit(Flag.ROLLOVER.value))
        .when(restarts)
        .then(pl.lit(Flag.RESET.value))
        .otherwise(pl.lit(Flag.REBASE.value))
    )


def _is_gap() -> pl.Expr:
    is_long = pl.col("seconds") > 15 * pl.col("expected_interval_s")
    return ((pl.col("energy_kind") == EnergyKind.COUNTER) & is_long).fill_null(value=False)


def _energy() -> pl.Expr:
    change = pl.col("kwh") - pl.col("before_kwh")
    return (
        pl.when(pl.col("energy_kind") != EnergyKind.COUNTER)
        .then(pl.col("kwh"))
        .when(pl.col("flag").is_null() | (pl.col("flag") == Flag.DIP))
        .then(change.fill_null(0.0))
        .when(pl.col("flag") == Flag.ROLLOVER)
        .then(pl.col("rollover_kwh") + change)
        .when(pl.col("flag") == Flag.RESET)
        .then(pl.col("kwh"))
        .otherwise(0.0)
    )


def _count(condition: pl.Expr) -> pl.Expr:
    return condition.fill_null(value=False).sum().cast(pl.Int32)
