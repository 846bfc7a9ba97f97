"""What the replaced versions of a full-size day take on disk, when late readings of one pair have it built again."""

from datetime import timedelta

import psycopg

from tests.benchmarks.figures import Figure
from tests.benchmarks.fleet import external_id
from tests.benchmarks.warehouse.own_process import run_alone
from tests.benchmarks.warehouse.stand import Place, WarehouseStand
from tests.benchmarks.warehouse.whole_day import run_day
from tests.factories import iso, meter_payload, vehicle_payload
from tests.integration.lake.stored import post
from tests.lake_folder import keys_of
from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.connection import connect

MB = 1e6
KEPT_DAYS = 7
"""As long as replaced versions are kept, unless a setting says otherwise."""


def measure(stand: WarehouseStand) -> None:
    """Tell the size of a day in the lake, and by how much it grows each time that it is built again."""
    with stand.day_as_written() as place:
        place.close_day()
        run_alone(run_day, place)
        once = lake_bytes(place)
        with connect(place.url) as connection:
            post_late_readings(connection, place)
        run_alone(run_day, place)
        again = lake_bytes(place) - once
    stand.report.add(
        Figure("lake_of_a_day", once / MB, "MB"),
        Figure("day_built_again", again / MB, "MB", once / MB),
        Figure("seven_days_of_versions", KEPT_DAYS * again / MB, "MB", KEPT_DAYS * once / MB),
    )


def lake_bytes(place: Place) -> int:
    """Of every version of every dataset."""
    lake = Lake(place.lake)
    return sum((lake.root / str(key)).stat().st_size for key in keys_of(lake))


def post_late_readings(connection: psycopg.Connection, place: Place) -> None:
    """One of the first meter and one of the first vehicle at noon, with what their registers showed just before."""
    at = midnight(place.day) + timedelta(hours=12, microseconds=1)
    names = {kind: external_id(kind, 1) for kind in DeviceKind}
    shown = {kind: _register_at(connection, kind, iso(at)) for kind in DeviceKind}
    meter = meter_payload(meterId=names[DeviceKind.METER], kwhConsumedAc=shown[DeviceKind.METER], timestamp=iso(at))
    vehicle = vehicle_payload(
        vehicleId=names[DeviceKind.VEHICLE], kwhDeliveredDc=shown[DeviceKind.VEHICLE], timestamp=iso(at)
    )
    post(connection, [meter, vehicle])


def _register_at(connection: psycopg.Connection, kind: DeviceKind, at: str) -> float:
    query = f"""
        SELECT kwh FROM {kind.readings}
        WHERE {kind.device_id} = (SELECT {kind.device_id} FROM {kind.devices} WHERE external_id = %s) AND ts < %s
        ORDER BY ts DESC LIMIT 1
    """
    ((kwh,),) = connection.execute(query.encode(), [external_id(kind, 1), at]).fetchall()
    return float(kwh)
