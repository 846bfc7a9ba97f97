"""The fast path of a day's energy: a register that only grew needs no rule, its hours are what it showed.

Nearly every register of a fleet does nothing else all day, and the rule costs several times as much. The fast path
finds the devices that need the rule, and computes the hours of all others. Where no step is doubtful both agree.
"""

import polars as pl

from warehouse.contract.energy import EnergyKind, Flag
from warehouse.lake.hourly_energy import HOURS, carried_in, in_hour, is_gap, reading_sums
from warehouse.lake.reach import of_device, power_kw


def hours_of_growth(samples: pl.LazyFrame, boundary: pl.LazyFrame, devices: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    """Each device's hours of the day, and whether they may be taken as they are.

    The inputs are those of ``classified_steps``. Gives the columns of ``hourly_energy`` and is_plain, which is
    false in every hour of a device that needs the rule.
    """
    seen = (
        samples.with_columns(us=pl.col("ts").dt.timestamp("us"))
        .with_columns(change=pl.col("kwh") - of_device("kwh", 1), seconds=(pl.col("us") - of_device("us", 1)) / 1e6)
        .group_by("device_id", in_hour())
        .agg(
            *reading_sums(),
            pl.col("kwh", "us").first().name.prefix("first_"),
            pl.col("kwh", "us").last().name.prefix("last_"),
            pl.col("seconds").max(),
            smallest_change=pl.col("change").min(),
            needed_kw=power_kw(pl.col("change"), pl.col("seconds")).max(),
        )
        .sort("device_id", "hour")
    )
    last_before = boundary.select("device_id", boundary_kwh="kwh", boundary_us=pl.col("ts").dt.timestamp("us"))
    return (
        seen.join(last_before, on="device_id", how="left", maintain_order="left")
        .join(devices, on="device_id", how="left", maintain_order="left")
        .with_columns(
            before_kwh=pl.coalesce(of_device("last_kwh", 1), "boundary_kwh"),
            before_us=pl.coalesce(of_device("last_us", 1), "boundary_us"),
        )
        # A difference and no sum of steps: the same samples give the same bits, however the work was divided.
        .with_columns(energy_kwh=pl.col("last_kwh") - pl.coalesce("before_kwh", "first_kwh"))
        .with_columns(
            first_step_at=pl.from_epoch(pl.coalesce("before_us", "first_us"), "us").dt.replace_time_zone("UTC"),
            carried_in_kwh=carried_in(
                pl.col("first_kwh") - pl.col("before_kwh"),
                pl.col("before_us"),
                pl.col("first_us"),
                pl.col("hour").dt.timestamp("us"),
            ),
        )
        .with_columns(is_plain=_is_plain().all().over("device_id"))
        .with_columns(kind=pl.lit(kind), **{f"{flag}_count": pl.lit(0, pl.Int32) for flag in Flag})
        .select(*HOURS, "is_plain")
    )


def _is_plain() -> pl.Expr:
    """Whether the rule would find nothing in this hour, the step into it included."""
    change = pl.col("first_kwh") - pl.col("before_kwh")
    seconds = (pl.col("first_us") - pl.col("before_us")) / 1e6
    only_grew = pl.min_horizontal("smallest_change", change).fill_null(0) >= 0
    is_within_power = pl.max_horizontal("needed_kw", power_kw(change, seconds)) <= pl.col("max_power_kw")
    had_gap = is_gap(pl.max_horizontal("seconds", seconds))
    is_counter = pl.col("energy_kind") == EnergyKind.COUNTER
    return (is_counter & only_grew & is_within_power.fill_null(value=True) & ~had_gap).fill_null(value=False)
