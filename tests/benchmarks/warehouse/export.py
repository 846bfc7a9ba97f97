"""Sealing and exporting a full-size day: sorted, verified, published; against a bare binary COPY of the same rows."""

import subprocess
import time
from collections.abc import Callable
from statistics import median

from tests.benchmarks.figures import Figure, interleaved
from tests.benchmarks.warehouse.own_process import Ran, Work, run_alone
from tests.benchmarks.warehouse.stand import Place, WarehouseStand
from warehouse.contract.partitions import Stream, partition_name
from warehouse.postgres.embedded.cluster import program


def measure(stand: WarehouseStand) -> None:
    """Tell the figures of an export, and what a seal of a day takes that was vacuumed as it was written."""
    with stand.day_as_written() as place:
        place.close_day()
        sealing = run_alone(seal, place)
    stand.report.add(Figure("seal_full_day", sealing.seconds, "s"))
    place = stand.exported_day()
    peaks_mb: list[float] = []
    contenders: list[Callable[[], float]] = []
    for stream in Stream:
        contenders += [_exporting(stand, place, stream, peaks_mb), _copying(stand, place, stream)]
    meters, copied_meters, vehicles, copied_vehicles = interleaved(stand.scale.rounds, *contenders)
    stand.report.add(
        Figure("export_meters_vs_copy", meters, "s", copied_meters),
        Figure("export_vehicles_vs_copy", vehicles, "s", copied_vehicles),
        Figure("export_peak_memory", max(peaks_mb), "MB"),
        Figure("heap_vs_parquet", place.heap_bytes() / 1e6, "MB", place.parquet_bytes() / 1e6),
        Figure("export_that_stands", median(_current(place) for _ in range(stand.scale.rounds)), "s", meters),
    )


def seal(place: Place) -> Work:
    """Seal the day."""
    pipeline = place.pipeline()
    return lambda: pipeline.seal(place.day)


def export(place: Place, stream: Stream) -> Work:
    """Export one stream of the day, as the product does: written sorted, verified, hashed, published."""
    pipeline = place.pipeline()
    return lambda: pipeline.export(stream, place.day)


def _exporting(stand: WarehouseStand, place: Place, stream: Stream, peaks_mb: list[float]) -> Callable[[], float]:
    def measure_round() -> float:
        place.forget_export(stream)
        ran = run_alone(export, place, stream)
        stand.report.say(f"  {stream}: exported in {ran.seconds:.1f} s, {ran.peak_mb:.0f} MB")
        peaks_mb.append(ran.peak_mb)
        return ran.seconds

    return measure_round


def _copying(stand: WarehouseStand, place: Place, stream: Stream) -> Callable[[], float]:
    """The least that reading the rows out of PostgreSQL can take: its own client throws them away."""
    statement = f"COPY {partition_name(stream, place.day)} TO STDOUT (FORMAT BINARY)"

    def copy() -> float:
        began = time.perf_counter()
        subprocess.run([program("psql"), place.url, "--command", statement], stdout=subprocess.DEVNULL, check=True)
        seconds = time.perf_counter() - began
        stand.report.say(f"  {stream}: copied in {seconds:.1f} s")
        return seconds

    return copy


def _current(place: Place) -> float:
    """A partition with nothing to do: its file is compared with its hash, and left."""
    ran: Ran = run_alone(export, place, Stream.METER_READINGS)
    return ran.seconds
