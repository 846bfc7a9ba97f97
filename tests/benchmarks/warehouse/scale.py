"""How large the days are, and how many."""

from dataclasses import dataclass

from tests.benchmarks.scale import Scale


@dataclass(frozen=True)
class WarehouseScale(Scale):
    """A full-size day is a reading a minute of ``devices`` meters and as many vehicles."""

    rounds: int = 3
    devices: int = 10_000
    small_devices: int = 500
    """Of the fleet whose days are many."""
    tiny_devices: int = 20
    """Of the fleet whose days cost next to nothing, so that what remains is what Dagster takes."""
    tenfold_devices: int = 100_000
    most_days: int = 8
    lake_days: int = 30
    vehicles_asked: int = 20
    load_per_second: int = 333
    """The specification's rate: 20,000 devices, a reading a minute each."""
    load_s: float = 20.0
    """Of load before and after the day is run under it."""
    free_disk_gb: float = 25.0


QUICK = WarehouseScale(
    rounds=1,
    devices=20,
    small_devices=10,
    tiny_devices=5,
    tenfold_devices=200,
    most_days=2,
    lake_days=3,
    vehicles_asked=2,
    load_per_second=50,
    load_s=1.0,
    free_disk_gb=2.0,
)
