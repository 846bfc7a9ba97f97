"""Which mapping a step or an island belongs to: that which holds at its later reading."""

import polars as pl

from warehouse.contract.tables import DeviceKind
from warehouse.sessions.growth_steps import LONG_AGO

_FOREVER = 2**62


def mapping_times(mappings: pl.DataFrame) -> pl.DataFrame:
    """``vehicle_meter_map`` with its times in microseconds; what holds without an end ends in the far future."""
    return mappings.select(
        "mapping_id",
        "vehicle_id",
        "meter_id",
        from_us=pl.col("valid_from").dt.timestamp("us"),
        to_us=pl.col("valid_to").dt.timestamp("us").fill_null(_FOREVER),
    )


def with_segment(steps: pl.DataFrame, mappings: pl.DataFrame, kind: DeviceKind) -> pl.DataFrame:
    """Add to steps segment_us: the last change of the device's mappings at or before the step's later reading.

    ``mappings``: as ``mapping_times`` gives them.
    """
    if steps.is_empty():
        return steps.with_columns(segment_us=pl.lit(LONG_AGO, pl.Int64))
    us = steps["us"].to_numpy()
    near = _edges(mappings, kind, us.min(), us.max())
    is_changing = pl.col("device_id").is_in(near["device_id"].implode())
    same = steps.filter(~is_changing).with_columns(segment_us=pl.lit(LONG_AGO, pl.Int64))
    changing = steps.filter(is_changing)
    if changing.is_empty():
        return same
    cut = (
        changing.sort("us")
        .join_asof(
            near.with_columns(segment_us="edge_us"),
            left_on="us",
            right_on="edge_us",
            by="device_id",
            check_sortedness=False,
        )
        .with_columns(pl.col("segment_us").fill_null(LONG_AGO))
        .select(same.columns)
    )
    return pl.concat([same, cut]).sort("device_id", "us")


def with_mapping(found: pl.DataFrame, mappings: pl.DataFrame, kind: DeviceKind) -> pl.DataFrame:
    """Add to islands mapping_id, meter_id, vehicle_id and is_shared: whether several vehicles were on the meter.

    Of a shared meter's own islands vehicle_id and mapping_id are null.
    """
    rows = found.with_row_index("row")
    if not found.is_empty():
        ends = found["end_us"].to_numpy()
        mappings = _holding(mappings, ends.min(), ends.max())
    holds = pl.col("end_us").is_between("from_us", "to_us", closed="left")
    own = (
        rows.select("row", "device_id", "end_us")
        .join(mappings, left_on="device_id", right_on=kind.device_id, how="inner", coalesce=False)
        .filter(holds)
        .select("row", "mapping_id", "meter_id", "vehicle_id")
    )
    vehicles = (
        own.select("row", "meter_id")
        .unique()
        .join(rows.select("row", "end_us"), on="row")
        .join(mappings.select("meter_id", "from_us", "to_us"), on="meter_id")
        .filter(holds)
        .group_by("row")
        .agg(is_shared=pl.len() > 1)
    )
    of_row = own.join(vehicles, on="row").unique("row", keep="first").sort("row")
    is_shared_meter = pl.col("is_shared") if kind is DeviceKind.METER else pl.lit(value=False)
    own_id = pl.col("device_id").alias(kind.device_id)
    return (
        rows.join(of_row, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("is_shared").fill_null(value=False))
        .with_columns(pl.when(~is_shared_meter).then(pl.col("mapping_id", "vehicle_id")))
        .with_columns(own_id)
        .drop("row")
    )


def _edges(mappings: pl.DataFrame, kind: DeviceKind, first_us: int, last_us: int) -> pl.DataFrame:
    """Every instant within a time at which the devices of a kind change hands: device_id, edge_us.

    A vehicle changes hands also where another one begins or ends to share its meter.
    """
    near = _holding(mappings, first_us, last_us)
    is_near = pl.col("edge_us").is_between(first_us, last_us)
    own = [near.select(device_id=kind.device_id, edge_us=edge).filter(is_near) for edge in ("from_us", "to_us")]
    if kind is DeviceKind.METER:
        return pl.concat(own).unique().sort("edge_us")
    edges = _edges(near, DeviceKind.METER, first_us, last_us).rename({"device_id": "meter_id"})
    of_the_meter = (
        near.join(edges, on="meter_id", how="inner")
        .filter(pl.col("edge_us").is_between("from_us", "to_us"))
        .select(device_id="vehicle_id", edge_us="edge_us")
    )
    return pl.concat([*own, of_the_meter]).unique().sort("edge_us")


def _holding(mappings: pl.DataFrame, first_us: int, last_us: int) -> pl.DataFrame:
    """The mappings that hold within a time, of all that were ever made."""
    return mappings.filter(pl.col("to_us") >= first_us, pl.col("from_us") <= last_us)
