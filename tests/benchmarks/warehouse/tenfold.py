"""A day of ten times the fleet, as far as it fits here: 100,000 meters and vehicles that report every ten minutes.

As many readings as a full-size day has, of ten times as many devices. What grows with the devices (the rollups, the
models, their memory) is ten times as large, what grows with the readings is the same.
"""

from tests.benchmarks.figures import Figure
from tests.benchmarks.warehouse.own_process import run_alone
from tests.benchmarks.warehouse.simulated_days import write_days
from tests.benchmarks.warehouse.stand import WarehouseStand
from tests.benchmarks.warehouse.whole_day import walk_day
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect

EVERY_MINUTES = 10

_REGISTER = {
    kind: f"""
        INSERT INTO {kind.devices} (external_id, expected_interval_s)
        SELECT '{kind}-' || lpad(n::text, 6, '0'), 600 FROM generate_series(%s::integer, %s) AS n
    """
    for kind in DeviceKind
}


def measure(stand: WarehouseStand) -> None:
    """Tell the whole walk of that day in one process, and of its models alone, against a full-size day."""
    with stand.day_as_written() as usual:
        usual.close_day()
        baseline = run_alone(walk_day, usual)
        baseline_models = run_alone(walk_day, usual)
    devices = stand.scale.tenfold_devices
    with stand.database() as url:
        _register(url, stand.scale.devices + 1, devices)
        rows = write_days(url, devices, [stand.day], EVERY_MINUTES)
        stand.report.say(f"  {rows:,} readings of {devices:,} meters and as many vehicles are written")
        place = stand.place(url)
        place.close_day()
        whole = run_alone(walk_day, place)
        models = run_alone(walk_day, place)
    stand.report.add(
        Figure(f"day_of_{devices}_devices", whole.seconds, "s", baseline.seconds),
        Figure(f"day_of_{devices}_devices_peak_memory", whole.peak_mb, "MB", baseline.peak_mb),
        Figure(f"models_and_checks_of_{devices}_devices", models.seconds, "s", baseline_models.seconds),
    )


def _register(url: str, first: int, last: int) -> None:
    with connect(url) as connection:
        for statement in _REGISTER.values():
            connection.execute(statement.encode(), [first, last])
        connection.execute("UPDATE meters SET expected_interval_s = 600")
        connection.execute("UPDATE vehicles SET expected_interval_s = 600")
        connection.execute(
            "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from)"
            " SELECT vehicle_id, vehicle_id, '1970-01-01' FROM vehicles WHERE vehicle_id >= %s",
            [first],
        )
