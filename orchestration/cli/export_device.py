"""``fleetwatt export-device``: all that is held of a device, as files."""

from pathlib import Path
from typing import Annotated

import typer

from dbt_like_sql.catalog import Catalog
from orchestration.cli.by_hand import note_run
from orchestration.cli.options import Home, as_user_wrote, notes, read_settings
from orchestration.cli.terminal import print_line
from orchestration.home.database import database
from warehouse.contract.tables import DeviceKind
from warehouse.lake.checked_files import require_intact
from warehouse.lake.device_rows import datasets_with_devices
from warehouse.lake.snapshot import released_snapshot
from warehouse.lifecycle.device_export import export_device as write_device
from warehouse.lifecycle.device_export import said
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres.connection import connect
from warehouse.postgres.device_data.named_device import find_device
from warehouse.postgres.ledger.lake_locks import begin_reading
from warehouse.settings import FleetSettings

NamedDevice = Annotated[
    str, typer.Argument(metavar="VEHICLE|METER", help="The id that the device sends.", show_default=False)
]
OfKind = Annotated[
    DeviceKind | None,
    typer.Option("--kind", help="Where a meter and a vehicle share the id: which of them.", show_default=False),
]


def export_device(
    device: NamedDevice,
    *,
    output: Annotated[
        Path, typer.Option(metavar="FOLDER", help="A new folder; only you can read it.", callback=as_user_wrote)
    ],
    kind: OfKind = None,
    home: Home = None,
) -> None:
    """Write all that is held of a vehicle or a meter as files, with a README that says what each is.

    Readings, settings, mappings, sessions, standby, findings with all that happened to them, what was refused, the
    current state: from PostgreSQL and from the lake. Works beside a running platform and beside a stopped one.

    \b
        fleetwatt export-device veh-00003 --output for-the-driver
    Exit code: 0 it is written; 1 there is no such device, or a file of the lake is damaged.
    """
    settings = read_settings(FleetSettings, home=home)
    with database(settings) as url, connect(url) as connection:
        found = find_device(connection, device, kind)
        note_run(connection, "export-device", device=found)
        lake = open_lake_folder(url, settings.lake, notes.print)
        with connect(url) as reading:
            begin_reading(reading)
            snapshot = released_snapshot(reading, lake)
            require_intact(lake, snapshot.select(datasets_with_devices(), None), reading)
            written = write_device(connection, snapshot, Catalog.load(), found, output)
    notes.print(said(found, written, output))
    print_line(str(output.resolve()))
