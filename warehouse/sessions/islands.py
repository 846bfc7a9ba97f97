"""Islands of growth: runs of active steps of one register, each with its energy, its start and its plateau."""

import polars as pl

from warehouse.sessions.settings import HOUR_US, SessionSettings

PREVIOUS = ("us", "kwh", "rest_us", "before_us", "is_active", "is_long", "is_done", "segment_us")


def islands(steps: pl.DataFrame, continued: pl.DataFrame, settings: SessionSettings) -> pl.DataFrame:
    """The islands of some registers, small and unfinished ones too, in order of device and time.

    ``steps``: as ``growth_steps`` gives them, with segment_us, the last change of the device's mappings. ``continued``:
    device_id and continued_us, the first active change of an island that goes on from one that was cut.

    start_us, end_us: when it began, by reckoning, and its last active change. earliest_us: it cannot have begun before.
    base_us: the reading that its energy counts from. read_from_us: from when on readings are of it. is_cut: it was
    longer than ``longest_h``.
    """
    known = _with_previous(steps)
    active = known.filter("is_active", ~pl.col("is_done")).with_columns(begins=_begins(settings))
    active = _cut_long(active, settings)
    starts = active.group_by("island", maintain_order=True).agg(
        pl.col("device_id", "segment_us", "resolution_kwh", "interval_us", "hidden_us", "quiet_us").first(),
        pl.col("us", "kwh", "rest_us", "changed_us", "before_us", "span_us").first().name.prefix("first_"),
        pl.col("^previous_.*$").first(),
        pl.col("cuts").first(),
        end_us=pl.col("us").last(),
        end_kwh=pl.col("register_kwh").last(),
        begin_kwh=pl.col("register_kwh").first() - pl.col("kwh").first(),
        active_kwh=pl.col("kwh").sum(),
        active_us=pl.col("span_us").sum(),
    )
    found = (
        starts.with_columns(tick_kwh=_opening_tick(settings))
        .with_columns(begin_kwh=pl.col("begin_kwh") - pl.col("tick_kwh"), kw=_power_of_the_rest())
        .with_columns(
            kwh=pl.col("end_kwh") - pl.col("begin_kwh"),
            start_us=_start(settings),
            earliest_us=pl.when(pl.col("tick_kwh") > 0).then("previous_before_us").otherwise("first_before_us"),
            base_us=pl.when(pl.col("tick_kwh") > 0).then("previous_rest_us").otherwise("first_rest_us"),
        )
        .join(
            continued,
            left_on=["device_id", "first_us"],
            right_on=["device_id", "continued_us"],
            how="left",
            maintain_order="left",
            coalesce=False,
        )
        .with_columns(goes_on=pl.col("cuts") | pl.col("continued_us").is_not_null())
        .with_columns(is_cut=_is_cut(settings))
    )
    # The reading that the energy counts from showed the register at rest; a start before it is by reckoning.
    found = found.with_columns(read_from_us=pl.max_horizontal("start_us", pl.col("base_us") + 1))
    plateaus = _plateaus(active, found, settings)
    kept = ["island", "device_id", "segment_us", "resolution_kwh", "interval_us", "hidden_us", "quiet_us"]
    return found.join(plateaus, on="island", how="left", maintain_order="left").select(
        *kept,
        "start_us",
        "earliest_us",
        "base_us",
        "end_us",
        "kwh",
        "plateau_kw",
        "is_cut",
        "goes_on",
        "first_us",
        "read_from_us",
    )


def _with_previous(steps: pl.DataFrame) -> pl.DataFrame:
    is_same = pl.col("device_id") == pl.col("device_id").shift(1)
    return steps.with_columns(
        pl.when(is_same).then(pl.col(name).shift(1)).alias(f"previous_{name}") for name in PREVIOUS
    )


def _begins(settings: SessionSettings) -> pl.Expr:
    """Whether an active step begins an island, and does not go on with the one before."""
    is_first = (pl.col("device_id") != pl.col("device_id").shift(1)).fill_null(value=True)
    paused_us = pl.col("before_us") - pl.col("us").shift(1)
    was_at_rest = pl.col("rest_us") > pl.col("changed_us")
    is_event = was_at_rest & (pl.col("us") - pl.col("rest_us") > settings.event_intervals * pl.col("interval_us"))
    changed_hands = pl.col("segment_us") != pl.col("segment_us").shift(1)
    is_long = pl.col("is_long") | pl.col("is_long").shift(1)
    goes_on = (paused_us <= pl.col("quiet_us")) & ~is_event & ~changed_hands & ~is_long
    return is_first | ~goes_on.fill_null(value=False)


def _cut_long(active: pl.DataFrame, settings: SessionSettings) -> pl.DataFrame:
    """Number the islands, and let one begin where the one before would become too long; ``cuts`` marks those."""
    active = active.with_columns(cuts=pl.lit(value=False))
    since_us = pl.col("us") - pl.col("before_us").first().over("island")
    while True:
        numbered = active.with_columns(island=pl.col("begins").cum_sum())
        over = numbered.with_columns(is_over=~pl.col("begins") & (since_us > settings.longest_us))
        if not over["is_over"].any():
            return numbered
        first = pl.col("is_over") & (pl.col("is_over").cum_sum().over("island") == 1)
        active = over.with_columns(begins=pl.col("begins") | first, cuts=pl.col("cuts") | first).drop(
            "is_over", "island"
        )


def _opening_tick(settings: SessionSettings) -> pl.Expr:
    """The energy of the change that opens the first active step: a register's tick, which began to fill before it."""
    belongs = (
        (pl.col("first_before_us") == pl.col("first_changed_us"))
        & (pl.col("previous_us") == pl.col("first_changed_us"))
        & ~pl.col("previous_is_active")
        & ~pl.col("previous_is_done")
        & ~pl.col("previous_is_long")
        & (pl.col("previous_segment_us") == pl.col("segment_us"))
        & (pl.col("previous_kwh") > 0)
        & (pl.col("first_span_us") <= settings.longest_us)
    )
    return pl.when(belongs.fill_null(value=False)).then("previous_kwh").otherwise(0.0)


def _power_of_the_rest() -> pl.Expr:
    """The mean power of the active steps after the first, kW; null where there is none."""
    rest_us = pl.col("active_us") - pl.col("first_span_us")
    return pl.when(rest_us > 0).then((pl.col("active_kwh") - pl.col("first_kwh")) * HOUR_US / rest_us)


def _start(settings: SessionSettings) -> pl.Expr:
    tick, before = pl.col("tick_kwh"), pl.col("first_before_us")
    of_the_step = pl.col("first_kwh") * HOUR_US / pl.col("first_span_us")
    kw = pl.when(pl.col("kw") > 0).then("kw").otherwise(of_the_step)
    reckoned = (pl.col("first_us") - pl.col("first_kwh") * HOUR_US / kw).round().cast(pl.Int64)
    share = pl.when(tick <= settings.single_tick * pl.col("resolution_kwh")).then(0.5).otherwise(1.0)
    of_the_tick = (before - tick * share * HOUR_US / kw).round().cast(pl.Int64)
    reaches = reckoned <= before + settings.reaches_before_share * pl.col("interval_us")
    was_at_rest = pl.col("first_rest_us") > pl.col("first_changed_us")
    return (
        pl.when((tick > 0) & reaches)
        .then(pl.max_horizontal(of_the_tick, "previous_before_us"))
        .when(pl.col("kw").is_null() & was_at_rest & (tick == 0))
        .then("first_rest_us")  # a single step: the register was seen at rest where it begins
        .otherwise(pl.max_horizontal(reckoned, before))
    )


def _is_cut(settings: SessionSettings) -> pl.Expr:
    is_cut_behind = pl.col("cuts").shift(-1, fill_value=False)
    return pl.col("goes_on") | is_cut_behind | (pl.col("end_us") - pl.col("first_before_us") > settings.longest_us)


def _plateaus(active: pl.DataFrame, found: pl.DataFrame, settings: SessionSettings) -> pl.DataFrame:
    """The median power in the middle half of each island, kW; of one too short to have a middle, its mean.

    The median is of runs of steps that hold enough ticks to tell a power: on a fine register each step is one, on a
    coarse one most steps are a single tick, and their median would be a tick a minute whatever the power.
    """
    quarter_us = (pl.col("end_us") - pl.col("start_us")) // 4
    is_middle = pl.col("us").is_between(pl.col("start_us") + quarter_us, pl.col("end_us") - quarter_us)
    run_kwh = settings.plateau_ticks * pl.col("resolution_kwh")
    of_island = found.select(
        "island", "start_us", "end_us", mean_kw=pl.col("kwh") * HOUR_US / (pl.col("end_us") - pl.col("start_us"))
    )
    middle = (
        active.select("island", "us", "kwh", "span_us", "resolution_kwh")
        .join(of_island, on="island", how="left", maintain_order="left")
        .filter(is_middle)
        .with_columns(run=((pl.col("kwh").cum_sum().over("island") - 1e-9) / run_kwh).floor())
    )
    kw = pl.col("kwh").sum() * HOUR_US / pl.col("span_us").sum()
    runs = middle.group_by("island", "run").agg(kw=kw)
    medians = runs.group_by("island").agg(median_kw=pl.col("kw").median(), run_count=pl.len())
    return (
        of_island.join(medians, on="island", how="left")
        .join(middle.group_by("island").agg(kw=kw), on="island", how="left")
        .select(
            "island",
            plateau_kw=pl.when(pl.col("run_count") >= settings.plateau_runs)
            .then("median_kw")
            .otherwise(pl.coalesce("kw", "mean_kw")),
        )
    )
