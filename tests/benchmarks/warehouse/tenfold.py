"""What grows with the devices, at ten times the fleet: 100,000 meters and vehicles that report once an hour.

The rollups and models of that day have as many rows as those of a fleet of that size have at a reading a minute. The
readings themselves, which the exports and the energy rule stream through, would be sixty times as many.
"""

from dataclasses import dataclass

from tests.benchmarks.figures import Figure
from tests.benchmarks.warehouse.own_process import Ran, run_alone
from tests.benchmarks.warehouse.simulated_days import write_days
from tests.benchmarks.warehouse.stand import WarehouseStand
from tests.benchmarks.warehouse.whole_day import run_day
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect

EVERY_MINUTES = 60

_REGISTER = {
    kind: f"""
        INSERT INTO {kind.devices} (external_id)
        SELECT '{kind}-' || lpad(n::text, 6, '0') FROM generate_series(%s::integer, %s) AS n
    """
    for kind in DeviceKind
}


@dataclass(frozen=True)
class _DayCost:
    whole: Ran
    models: Ran


def measure(stand: WarehouseStand) -> None:
    """Tell what that day costs in one process, whole and its models alone, against the fleet as it is specified."""
    usual, tenfold = (_cost(stand, devices) for devices in (stand.scale.devices, stand.scale.tenfold_devices))
    name = f"hourly_readings_of_{stand.scale.tenfold_devices}_devices"
    stand.report.add(
        Figure(f"{name}_whole_day", tenfold.whole.seconds, "s", usual.whole.seconds),
        Figure(f"{name}_models_and_checks", tenfold.models.seconds, "s", usual.models.seconds),
        Figure(f"{name}_peak_memory", tenfold.models.peak_mb, "MB", usual.models.peak_mb),
    )


def _cost(stand: WarehouseStand, devices: int) -> _DayCost:
    with stand.database() as url:
        _register(url, stand.scale.devices + 1, devices)
        rows = write_days(url, devices, [stand.day], EVERY_MINUTES)
        stand.report.say(f"  {rows:,} readings of {devices:,} meters and as many vehicles are written")
        place = stand.place(url)
        place.close_day()
        cost = _DayCost(whole=run_alone(run_day, place), models=run_alone(run_day, place))
        stand.report.say(f"  whole day {cost.whole.seconds:.1f} s, {cost.whole.peak_mb:.0f} MB")
        stand.report.say(f"  models    {cost.models.seconds:.1f} s, {cost.models.peak_mb:.0f} MB")
    return cost


def _register(url: str, first: int, last: int) -> None:
    """Devices that the stand's template does not have; all of them are expected once an hour."""
    with connect(url) as connection:
        for kind, statement in _REGISTER.items():
            connection.execute(statement.encode(), [first, last])
            connection.execute(f"UPDATE {kind.devices} SET expected_interval_s = 60 * {EVERY_MINUTES}".encode())
        connection.execute(
            "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from)"
            " SELECT vehicle_id, vehicle_id, '1970-01-01' FROM vehicles WHERE vehicle_id >= %s",
            [first],
        )
