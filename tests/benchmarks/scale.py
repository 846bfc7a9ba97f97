"""How large and how long: the specification's size, or a small one that only shows that everything works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes of what is measured. ``devices`` is the number of meters, and of vehicles."""

    rounds: int = 5
    seconds: float = 4.0
    """Of one round of load."""
    devices: int = 10_000
    remembered_tokens: int = 100_000
    array_items: int = 1_000
    stream_readings: int = 1_000_000
    burst_period_s: float = 10.0
    queries: int = 300
    """Of one round."""
    history_days: int = 30
    history_devices: int = 200
    """Vehicles with all the days of history: all 10,000 would be 43 GB."""
    fresh_load_s: float = 60.0
    free_disk_gb: float = 15.0


QUICK = Scale(
    rounds=1,
    seconds=0.3,
    devices=20,
    remembered_tokens=1_000,
    array_items=50,
    stream_readings=30_000,
    burst_period_s=0.5,
    queries=5,
    history_days=4,
    history_devices=10,
    fresh_load_s=1.0,
    free_disk_gb=1.0,
)
