"""Steps of a register: from one change to the next, with the power that flowed at least in between."""

import polars as pl

from warehouse.contract.energy import TOLERANCE_KWH
from warehouse.sessions.settings import HOUR_US, SessionSettings

LONG_AGO = -(2**62)
"""In place of an instant that nobody knows any more, as nothing depends on it."""


def step_settings(devices: pl.DataFrame, settings: SessionSettings) -> pl.DataFrame:
    """By device what steps depend on, in microseconds.

    hidden_us: how long a charge of ``active_kw`` may flow before the register shows it; quiet_us: the longest pause.
    """
    hidden_us = (pl.col("resolution_kwh") / settings.active_kw * HOUR_US).round().cast(pl.Int64)
    return devices.select(
        "device_id",
        "resolution_kwh",
        interval_us=pl.col("expected_interval_s").cast(pl.Int64) * 1_000_000,
        hidden_us=hidden_us,
        quiet_us=hidden_us + settings.pause_s * 1_000_000,
    )


def growth_steps(
    rows: pl.DataFrame, of_devices: pl.DataFrame, carried: pl.DataFrame, settings: SessionSettings
) -> pl.DataFrame:
    """The steps between the changes of each register; sorted as ``rows`` are.

    ``rows``: as ``register_rows`` gives them. ``of_devices``: ``step_settings``. ``carried``: device_id and
    changed_before, the last change at or before a device's first row, where something was carried.

    us, kwh: when the register changed, and by how much; rest_us: the reading before; changed_us: the change before;
    before_us: since when the energy may have flowed. This is the change before, but where readings since then showed
    the register at rest for longer than a charge can stay hidden, it is the last of them less that time.
    """
    is_same = pl.col("device_id") == pl.col("device_id").shift(1)
    change = pl.col("register_kwh") - pl.col("register_kwh").shift(1)
    changes = (
        rows.lazy()
        .select(
            "device_id",
            "us",
            "register_kwh",
            "is_done",
            kwh=pl.when(is_same).then(change),
            rest_us=pl.col("us").shift(1),
        )
        .filter(pl.col("kwh").abs() > TOLERANCE_KWH)
        .join(of_devices.lazy(), on="device_id", how="left", maintain_order="left")
    )
    known = carried.select("device_id", first_us=pl.col("changed_before").dt.timestamp("us"))
    changed_us = pl.when(is_same).then(pl.col("us").shift(1)).otherwise("first_us").fill_null(LONG_AGO)
    span_us = pl.col("us") - pl.col("before_us")
    return (
        changes.join(known.lazy(), on="device_id", how="left", maintain_order="left")
        .with_columns(changed_us=changed_us)
        .with_columns(before_us=pl.max_horizontal("changed_us", pl.col("rest_us") - pl.col("hidden_us")))
        .with_columns(
            span_us=span_us,
            is_active=pl.col("kwh") * HOUR_US >= (settings.active_kw - 1e-9) * span_us,
            is_long=span_us > settings.longest_us,
        )
        .drop("first_us")
        .collect()
    )
