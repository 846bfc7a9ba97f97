"""Runs the energy rule over one exported day: which files go in, which come out."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from warehouse.contract.energy import MAX_RESET_KWH
from warehouse.contract.tables import DeviceKind
from warehouse.lake.corrected_readings import counting
from warehouse.lake.file_format import ROW_GROUP_ROWS, Location
from warehouse.lake.hourly_energy import (
    FLAGGED,
    HOURS,
    INSTANT,
    SAMPLES,
    changes_of_the_day,
    classified_steps,
    cut_at_changes,
    device_last,
    flagged_steps,
    hourly_energy,
    with_segment,
)
from warehouse.lake.plain_growth import hours_of_growth
from warehouse.lake.storage.patterns import readable

LAST_SAMPLES = pl.Schema({"kind": pl.String(), "device_id": pl.Int32(), "ts": INSTANT, "kwh": pl.Float64()})
"""The columns of ``device_last`` and ``carried_samples``, the dataset of boundary samples."""

RULE_DEVICES = 2000
"""How many devices the rule is applied to at a time: some 3 million readings, a quarter of a gigabyte."""


class DayInputs(NamedTuple):
    """The files that the energy of one day is computed from."""

    meter_readings: Location
    vehicle_readings: Location
    meters: Location
    vehicles: Location
    vehicle_meter_map: Location
    carried_samples: Location
    corrected_readings: Location

    def readings(self, kind: DeviceKind) -> pl.LazyFrame:
        """The samples of one kind of device that count, as the rule takes them: sorted by device and time."""
        if kind is DeviceKind.METER:
            temperature = pl.lit(None, pl.Float32)
            frame = pl.scan_parquet(self.meter_readings)
        else:
            temperature = pl.col("battery_temp_celsius")
            frame = pl.scan_parquet(self.vehicle_readings)
        samples = frame.select(
            pl.col(kind.device_id).alias("device_id"), "ts", "kwh", temperature.alias("battery_temp_celsius")
        ).cast(SAMPLES)
        return counting(samples, kind, self.corrected_readings)

    def devices(self, kind: DeviceKind) -> pl.LazyFrame:
        """The settings of one kind of device. A file of before there was ``max_reset_kwh`` has its default."""
        frame = pl.scan_parquet(self.meters if kind is DeviceKind.METER else self.vehicles)
        if "max_reset_kwh" not in frame.collect_schema():
            frame = frame.with_columns(max_reset_kwh=pl.lit(MAX_RESET_KWH))
        return frame.select(
            pl.col(kind.device_id).alias("device_id"),
            "energy_kind",
            "max_power_kw",
            "rollover_kwh",
            "max_reset_kwh",
            "expected_interval_s",
        )

    def boundary_samples(self, kind: DeviceKind) -> pl.LazyFrame:
        """What the devices of one kind showed last before the day."""
        return pl.scan_parquet(self.carried_samples).filter(pl.col("kind") == kind.value).drop("kind")

    def mapping_changes(self, kind: DeviceKind) -> pl.DataFrame:
        """Every instant at which a mapping of a device of this kind begins or ends."""
        mappings = pl.read_parquet(self.vehicle_meter_map)
        return pl.concat(
            mappings.select(pl.col(kind.device_id).alias("device_id"), pl.col(edge).alias("ts"))
            for edge in ("valid_from", "valid_to")
        ).drop_nulls()


class EnergyRows(NamedTuple):
    """How many rows each output has."""

    hourly_energy: int
    flagged_steps: int


def write_energy(inputs: DayInputs, day: date, hourly_target: Path, flagged_target: Path) -> EnergyRows:
    """Write ``hourly_energy`` and ``flagged_steps`` of one day, both kinds of device together."""
    parts = [part for kind in DeviceKind for part in _energy_of(inputs, kind, day)]
    hourly = pl.concat(hours for hours, _ in parts).sort("kind", "device_id", "hour", "segment_from")
    flagged = pl.concat(flags for _, flags in parts).sort("kind", "device_id", "ts", "flag")
    _write(hourly, hourly_target)
    _write(flagged, flagged_target)
    return EnergyRows(hourly.height, flagged.height)


def _energy_of(inputs: DayInputs, kind: DeviceKind, day: date) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Hours and flagged steps of one kind of device: first of those that just grew, then of others, some at a time."""
    mapping_changes = inputs.mapping_changes(kind)
    changes = changes_of_the_day(mapping_changes, day)
    samples, boundary = inputs.readings(kind), inputs.boundary_samples(kind)
    devices = with_segment(inputs.devices(kind), mapping_changes, day)
    hours = hours_of_growth(samples, boundary, devices, kind).collect(engine="streaming")
    needs_rule = ~pl.col("is_plain") | pl.col("device_id").is_in(changes["device_id"].implode())
    yield hours.filter(~needs_rule).select(HOURS), pl.DataFrame(schema=FLAGGED)
    for some in hours.filter(needs_rule).select("device_id").unique().sort("device_id").iter_slices(RULE_DEVICES):
        # A filter and no join: it keeps the order, on which the rule's shifts rely.
        of_some = (frame.filter(_is_any_of(some)) for frame in (samples, boundary, devices))
        steps = cut_at_changes(classified_steps(*of_some), changes)
        # Not streamed: in memory sums are made in order, and the same samples give the same bits.
        hours_of_some, flags_of_some = pl.collect_all([hourly_energy(steps, kind), flagged_steps(steps, kind)])
        yield hours_of_some, flags_of_some


def write_device_last(exported: Mapping[DeviceKind, Location], corrected_readings: Location, target: Path) -> int:
    """Write each device's last sample of a day that counts; returns the number of devices."""
    frames = []
    for kind, path in exported.items():
        received = pl.scan_parquet(path).select(pl.col(kind.device_id).alias("device_id"), "ts", "kwh")
        frames.append(device_last(counting(received, kind, corrected_readings), kind).collect())
    last = pl.concat(frames).cast(LAST_SAMPLES)
    _write(last, target)
    return last.height


def write_boundary_samples(earlier: Sequence[Location], of_the_day: Location, target: Path) -> int:
    """Write what each device that reports on a day showed last before it, however long ago.

    ``earlier``, ``of_the_day``: the ``device_last`` of all earlier days, and of the day itself. A device that is silent
    is left out, so that nothing of a day depends on samples that it does not begin from.
    """
    known = pl.scan_parquet([str(each) for each in earlier]) if earlier else pl.LazyFrame(schema=LAST_SAMPLES)
    boundary = (
        known.join(pl.scan_parquet(of_the_day), on=["kind", "device_id"], how="semi")
        .group_by("kind", "device_id")
        .agg(pl.col("ts").max(), pl.col("kwh").sort_by("ts").last())
        .sort("kind", "device_id")
        .cast(LAST_SAMPLES)
        .collect()
    )
    _write(boundary, target)
    return boundary.height


def changed_devices(before: Location | None, after: Location) -> pl.DataFrame:
    """The devices (kind, device_id) whose last sample of a day is another one now."""
    new = pl.read_parquet(readable(after))
    old = pl.read_parquet(before) if before else pl.DataFrame(schema=LAST_SAMPLES)
    return pl.concat([new, old]).unique(keep="none").select("kind", "device_id").unique()


def _is_any_of(devices: pl.DataFrame) -> pl.Expr:
    first, last = devices["device_id"][0], devices["device_id"][-1]
    is_near = pl.col("device_id").is_between(first, last)  # what a file's statistics can rule out without reading
    return is_near & pl.col("device_id").is_in(devices["device_id"].implode())


def _write(frame: pl.DataFrame, target: Path) -> None:
    frame.write_parquet(target, compression="zstd", row_group_size=ROW_GROUP_ROWS)
