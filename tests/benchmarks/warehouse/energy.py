"""The energy rule over a full-size day, against a scan and a group-by of the same columns in the same engine.

Once as the fleet is: nearly all registers just grow, and the fast path finds the few that need the whole rule. Once as
bad as it can be: the day begins with a step back on every device, so that all of them need it.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl

from tests.benchmarks.figures import Figure, interleaved
from tests.benchmarks.warehouse.own_process import Work, run_alone
from tests.benchmarks.warehouse.stand import Place, WarehouseStand
from tests.lake_folder import newest_file
from warehouse.contract.tables import DeviceKind
from warehouse.lake.energy_day import DayInputs, write_energy
from warehouse.lake.export import DECISIONS, TABLES
from warehouse.lake.hourly_energy import in_hour
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.later_days import BOUNDARY_SAMPLES

A_STEP_BACK_KWH = 0.001


def measure(stand: WarehouseStand) -> None:
    """Tell the figures of the energy rule."""
    place = stand.exported_day()
    pipeline = place.pipeline()
    for table in (*TABLES, *DECISIONS):
        pipeline.export_table(table, place.day)
    pipeline.corrected_readings(place.day)
    pipeline.device_last(place.day)
    pipeline.boundary_samples(place.day)
    inputs = DayInputs(**{name: newest_file(pipeline.lake, name, place.day) for name in DayInputs._fields})
    stepping_back = inputs._replace(carried_samples=_a_step_back(pipeline.lake, place, stand.home))
    peaks_mb: dict[str, float] = {}

    def contender(name: str, prepare: Callable[..., Work], *arguments: object) -> Callable[[], float]:
        def measure_round() -> float:
            ran = run_alone(prepare, *arguments)
            stand.report.say(f"  {name}: {ran.seconds:.2f} s, {ran.peak_mb:.0f} MB")
            peaks_mb[name] = max(peaks_mb.get(name, 0), ran.peak_mb)
            return ran.seconds

        return measure_round

    value, scanned, all_by_rule = interleaved(
        stand.scale.rounds,
        contender("energy", energy, inputs, place, stand.home),
        contender("scan", scan, inputs),
        contender("energy of a fleet that steps back", energy, stepping_back, place, stand.home),
    )
    energy_mb, scan_mb, by_rule_mb = peaks_mb.values()
    stand.report.add(
        Figure("hourly_energy_vs_scan", value, "s", scanned),
        Figure("hourly_energy_peak_memory", energy_mb, "MB", scan_mb),
        Figure("hourly_energy_all_by_rule_vs_scan", all_by_rule, "s", scanned),
        Figure("hourly_energy_all_by_rule_peak_memory", by_rule_mb, "MB", scan_mb),
    )


def energy(inputs: DayInputs, place: Place, folder: Path) -> Work:
    """Apply the rule, and write both results."""
    targets = folder / "hourly.parquet", folder / "flagged.parquet"
    return lambda: write_energy(inputs, place.day, *targets)


def scan(inputs: DayInputs) -> Work:
    """Read the same columns once, and group them as the result is grouped."""

    def group() -> None:
        for kind in DeviceKind:
            temperature = pl.col("battery_temp_celsius")
            readings = inputs.readings(kind).group_by("device_id", in_hour())
            readings.agg(pl.col("kwh").sum(), pl.len(), temperature.cast(pl.Float64).sum()).collect(engine="streaming")

    return group


def _a_step_back(lake: Lake, place: Place, folder: Path) -> Path:
    """Boundary samples a minute before the day's first ones, and a little higher."""
    _, boundary = BOUNDARY_SAMPLES
    target = folder / "stepping-back.parquet"
    sides = []
    for kind in DeviceKind:
        readings = pl.scan_parquet(newest_file(lake, kind.readings, place.day))
        first = readings.group_by(pl.col(kind.device_id).alias("device_id")).agg(
            pl.col("ts", "kwh").sort_by("ts").first()
        )
        sides.append(
            first.select(
                pl.lit(kind.value).alias("kind"),
                "device_id",
                pl.col("ts") - timedelta(minutes=1),
                pl.col("kwh") + A_STEP_BACK_KWH,
            )
        )
    schema = pl.read_parquet_schema(newest_file(lake, boundary, place.day))
    pl.concat(sides).sort("kind", "device_id").cast(pl.Schema(schema)).collect().write_parquet(target)
    return target
