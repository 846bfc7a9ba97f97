"""Sessions and standby of a day: a function of its readings, flags, settings and mappings, and of what was carried."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeVar

import polars as pl

from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind
from warehouse.sessions.carrying import kept_from, open_islands
from warehouse.sessions.day_part import DayPart, find_islands
from warehouse.sessions.island_readings import with_voltage
from warehouse.sessions.matching import with_session
from warehouse.sessions.register_rows import Devices
from warehouse.sessions.schemas import DAILY_STANDBY, MEASURED, OPEN_ISLANDS
from warehouse.sessions.segments import mapping_times
from warehouse.sessions.session_table import session_table
from warehouse.sessions.settings import SETTINGS, SessionSettings
from warehouse.sessions.standby import standby_columns

Some = TypeVar("Some")

PART_DEVICES = 500
"""How many devices are looked through at a time: some 700,000 readings."""
PARTS_AT_ONCE = 2
"""How many parts are worked on beside each other: half of the work is not done in parallel by itself."""


class SessionInputs(NamedTuple):
    """What the sessions of a day are made from."""

    readings: Mapping[DeviceKind, pl.LazyFrame]
    """device_id, ts, kwh, and voltage_volts, or soc_percent and battery_temp_celsius; sorted by device_id and ts."""
    boundary: Mapping[DeviceKind, pl.DataFrame]
    """device_id, ts, kwh: the last reading before the day of each device that reports on it."""
    devices: Mapping[DeviceKind, pl.DataFrame]
    """device_id, energy_kind, resolution_kwh, expected_interval_s."""
    flagged_steps: pl.DataFrame
    """Of the day, as the dataset of that name."""
    mappings: pl.DataFrame
    """mapping_id, vehicle_id, meter_id, valid_from, valid_to."""
    open_islands: pl.DataFrame
    """What was carried: the dataset of that name, of the day before."""
    clock_lags: pl.DataFrame
    """``CLOCK_LAGS``, as the day before knew them."""


class DaySessions(NamedTuple):
    """What comes out."""

    charging_sessions: pl.DataFrame
    daily_standby: pl.DataFrame
    open_islands: pl.DataFrame


def sessions_of_day(inputs: SessionInputs, day: date, settings: SessionSettings = SETTINGS) -> DaySessions:
    """Find what ended on a day, and what goes on."""
    return sessions_until(inputs, midnight(day + timedelta(days=1)), settings)


def sessions_until(inputs: SessionInputs, end: datetime, settings: SessionSettings = SETTINGS) -> DaySessions:
    """Find what had ended in readings up to ``end``; nothing of it depends on later ones.

    Raises:
        polars.exceptions.PolarsError: the inputs have not the columns that they should.
    """
    end_us = to_us(end)
    both = _both_sides(inputs, end_us, settings)
    islands = with_session(_of_both(both, "islands"), _of_both(both, "states"), end_us, settings).with_columns(
        is_open=~pl.col("is_settled") & (pl.col("counts") | ~pl.col("is_closed"))
    )
    standby = _standby(_of_both(both, "idle"), islands, inputs.open_islands)
    unfinished = pl.concat(
        [each.select(_UNFINISHED) for each in (islands.filter("is_open"), _of_both(both, "pending"))]
    )
    keep = kept_from(unfinished, settings)
    return DaySessions(
        session_table(islands.filter("is_settled"), settings),
        standby.select(DAILY_STANDBY.names()).cast(DAILY_STANDBY).sort("kind", "device_id"),
        pl.concat(
            [
                pl.DataFrame(schema=OPEN_ISLANDS),
                *_carried(inputs, keep, islands, standby, settings),
            ]
        ).sort("kind", "device_id"),
    )


class _Found(NamedTuple):
    """What is kept of a part when its readings are let go."""

    islands: pl.DataFrame
    pending: pl.DataFrame
    states: pl.DataFrame
    idle: pl.DataFrame

    @staticmethod
    def of(part: DayPart, lags: pl.DataFrame) -> "_Found":
        """``lags``: device_id and lag_us of devices whose times are to be shifted; all others get 0."""

        def shifted(frame: pl.DataFrame) -> pl.DataFrame:
            lagging = frame.join(lags, on="device_id", how="left", maintain_order="left")
            return lagging.with_columns(pl.col("lag_us").fill_null(0))

        return _Found(shifted(part.islands), shifted(part.pending), shifted(part.states), part.idle)

    @staticmethod
    def together(parts: Sequence["_Found"]) -> "_Found":
        return _Found(*(pl.concat(frames) for frames in zip(*parts, strict=True)))


def _both_sides(inputs: SessionInputs, end_us: int, settings: SessionSettings) -> Mapping[DeviceKind, _Found]:
    """Look through all vehicles, then through all meters, which know the voltage of the vehicles' islands too."""
    mappings = mapping_times(inputs.mappings)
    lag_us = pl.col("clock_lag_s").cast(pl.Int64) * 1_000_000
    lags = inputs.clock_lags.select(device_id="vehicle_id", lag_us=lag_us)
    with ThreadPoolExecutor(PARTS_AT_ONCE) as threads:

        def of_parts(kind: DeviceKind, look: Callable[[DayPart], Some]) -> list[Some]:
            def part(ids: pl.Series) -> Some:
                return look(find_islands(_devices(inputs, kind, ids), mappings, end_us, settings))

            return list(threads.map(part, _parts(inputs.devices[kind]["device_id"])))

        vehicles = _Found.together(of_parts(DeviceKind.VEHICLE, lambda part: _Found.of(part, lags)))

        def beside_vehicles(part: DayPart) -> tuple[_Found, pl.DataFrame]:
            """What is found of some meters, and the vehicles' islands that they fed."""
            found = _Found.of(part, lags.clear())
            is_fed = pl.col("meter_id").is_in(found.states["device_id"].implode())
            fed = with_voltage(vehicles.islands.filter(is_fed), part.measured, settings)
            return found._replace(islands=with_voltage(found.islands, part.measured, settings)), fed

        looked_through = of_parts(DeviceKind.METER, beside_vehicles)
    meters = _Found.together([found for found, _ in looked_through])
    is_seen = pl.col("meter_id").is_in(meters.states["device_id"].implode()).fill_null(value=False)
    dc = [*(fed for _, fed in looked_through), vehicles.islands.filter(~is_seen)]
    return {
        DeviceKind.METER: meters,
        DeviceKind.VEHICLE: vehicles._replace(islands=pl.concat(dc, how="diagonal_relaxed")),
    }


_UNFINISHED = ("kind", "device_id", "base_us", "lag_us", "meter_id", "vehicle_id")


def _of_both(both: Mapping[DeviceKind, _Found], name: str) -> pl.DataFrame:
    frames: dict[DeviceKind, pl.DataFrame] = {kind: found._asdict()[name] for kind, found in both.items()}
    named = [frame.with_columns(kind=pl.lit(kind.value)) for kind, frame in frames.items()]
    return pl.concat(named, how="diagonal_relaxed")


def _parts(ids: pl.Series) -> Iterator[pl.Series]:
    """The devices, some at a time; at least once, so that there are columns."""
    in_order = ids.sort()
    for first in range(0, max(len(in_order), 1), PART_DEVICES):
        yield in_order.slice(first, PART_DEVICES)


def _devices(inputs: SessionInputs, kind: DeviceKind, ids: pl.Series) -> Devices:
    is_one = pl.col("device_id").is_in(ids.implode())
    is_near = pl.col("device_id").is_between(ids.min(), ids.max())  # what a file's statistics rule out unread
    readings = inputs.readings[kind].filter(is_near & is_one)
    flagged = inputs.flagged_steps.filter(pl.col("kind") == kind.value, is_one)
    return Devices(
        kind,
        readings.select("device_id", "kwh", *MEASURED[kind], us=pl.col("ts").dt.timestamp("us")).collect(),
        inputs.boundary[kind].filter(is_one).with_columns(us=pl.col("ts").dt.timestamp("us")),
        inputs.devices[kind].filter(is_one),
        flagged.with_columns(us=pl.col("ts").dt.timestamp("us")),
        inputs.open_islands.filter(pl.col("kind") == kind.value, is_one).sort("device_id"),
    )


def _standby(idle: pl.DataFrame, islands: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """``daily_standby``, and out_kwh: what is not told yet of a device's growth."""
    key = ["kind", "device_id"]
    is_waiting = pl.col("is_closed") & pl.col("counts") & ~pl.col("is_settled")
    sums = islands.group_by(key).agg(
        session_kwh=pl.col("kwh").filter("is_settled").sum(), waiting_kwh=pl.col("kwh").filter(is_waiting).sum()
    )
    return (
        idle.join(sums, on=key, how="left", maintain_order="left")
        .join(carried.select(*key, carried_in_kwh="energy_kwh"), on=key, how="left", maintain_order="left")
        .with_columns(pl.col("session_kwh", "waiting_kwh", "carried_in_kwh").fill_null(0.0))
        .with_columns(*standby_columns(), carried_out_kwh=pl.col("open_kwh") + pl.col("waiting_kwh"))
    )


def _carried(
    inputs: SessionInputs,
    keep: pl.DataFrame,
    islands: pl.DataFrame,
    standby: pl.DataFrame,
    settings: SessionSettings,
) -> Iterator[pl.DataFrame]:
    """Go again through the readings of the devices that something is carried of."""
    for kind in DeviceKind:
        is_kind = pl.col("kind") == kind.value
        told = standby.filter(is_kind).select("device_id", "until_us", out_kwh="carried_out_kwh")
        kept = (
            keep.filter(is_kind).join(told, on="device_id", how="semi").select("device_id", "keep_us").sort("device_id")
        )
        of_kind = islands.filter(is_kind)
        for some in kept.iter_slices(PART_DEVICES):
            found = of_kind.filter(pl.col("device_id").is_in(some["device_id"].implode()))
            yield open_islands(_devices(inputs, kind, some["device_id"]), some, found, told, settings)


def to_us(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
