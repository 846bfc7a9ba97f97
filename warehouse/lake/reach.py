"""What a register can show next, and which samples are corrupt as it cannot: Polars expressions of the energy rule.

They take samples sorted by (device_id, ts), with the instant in microseconds (us) and the device's settings.
"""

import polars as pl

from warehouse.contract.energy import (
    CAP_BASE_KWH,
    CAP_MARGIN,
    LARGEST_DIP_SHARE,
    LONGEST_DIP_S,
    LONGEST_RUN,
    TOLERANCE_KWH,
    EnergyKind,
)

_DAY_US = 86_400_000_000


def of_device(column: str, offset: int) -> pl.Expr:
    """The neighbour's value, null where the neighbour is another device's."""
    return pl.when(pl.col("device_id") == pl.col("device_id").shift(offset)).then(pl.col(column).shift(offset))


def power_kw(change_kwh: pl.Expr, seconds: pl.Expr) -> pl.Expr:
    """The least ``max_power_kw`` for which a growth is within the cap."""
    return (change_kwh - CAP_BASE_KWH) * 3600 / (CAP_MARGIN * seconds)


def cap_kwh(seconds: pl.Expr) -> pl.Expr:
    """The most a register can grow in this time."""
    return (pl.col("max_power_kw") * seconds / 3600 * CAP_MARGIN + CAP_BASE_KWH).fill_null(float("inf"))


def reaches(before_kwh: pl.Expr, after_kwh: pl.Expr, seconds: pl.Expr) -> pl.Expr:
    """Whether a sample is reachable from one before it."""
    dip_cap_kwh = cap_kwh(pl.min_horizontal(seconds, pl.lit(float(LONGEST_DIP_S))))
    largest_dip = pl.min_horizontal(LARGEST_DIP_SHARE * before_kwh, dip_cap_kwh)
    change = after_kwh - before_kwh
    return (change >= -largest_dip - TOLERANCE_KWH) & (change <= cap_kwh(seconds) + TOLERANCE_KWH)


def is_glitch() -> pl.Expr:
    """Whether a sample is corrupt: alone, or in a run of equal ones."""
    looked_at = pl.struct("device_id", "us", "kwh", "max_power_kw", is_out_of_reach=_is_out_of_reach())
    return looked_at.map_batches(_are_glitches, return_dtype=pl.Boolean)


def _is_out_of_reach() -> pl.Expr:
    """Whether a run of corrupt samples may begin here."""
    seconds = (pl.col("us") - of_device("us", 1)) / 1e6
    has_limit = (pl.col("energy_kind") == EnergyKind.COUNTER) & pl.col("max_power_kw").is_not_null()
    return (has_limit & ~reaches(of_device("kwh", 1), pl.col("kwh"), seconds)).fill_null(value=False)


def _are_glitches(samples: pl.Series) -> pl.Series:
    """Which samples are left out. Few are out of reach, and only those and their neighbours are looked at."""
    frame = samples.struct.unnest().with_row_index("row")
    is_out_of_reach = pl.col("is_out_of_reach")
    # From the predecessor of such a sample to the last one that may be its successor: neighbours stay neighbours.
    near = frame.filter(
        pl.any_horizontal(is_out_of_reach.shift(back, fill_value=False) for back in range(-1, LONGEST_RUN + 1))
    ).with_columns(run=_corrupt_run())
    run = pl.col("run")
    in_a_run = pl.any_horizontal(run.shift(back, fill_value=0) > back for back in range(LONGEST_RUN))
    return frame.select(pl.col("row").is_in(near.filter(in_a_run)["row"].implode())).to_series()


def _corrupt_run() -> pl.Expr:
    """How many samples from here on are the shortest run that is left out; 0: it begins none."""
    kwh, us, before_kwh, before_us = pl.col("kwh"), pl.col("us"), of_device("kwh", 1), of_device("us", 1)
    run = pl.lit(0, pl.Int8)
    for length in range(LONGEST_RUN, 0, -1):  # so that the shortest is asked first
        after_kwh, after_us = of_device("kwh", -length), of_device("us", -length)
        is_run = (
            pl.all_horizontal("is_out_of_reach", *(of_device("kwh", -within) == kwh for within in range(1, length)))
            & (us // _DAY_US == after_us // _DAY_US)
            & reaches(before_kwh, after_kwh, (after_us - before_us) / 1e6)
        )
        run = pl.when(is_run).then(pl.lit(length, pl.Int8)).otherwise(run)
    return run
