"""A home that was backed up while it went on, for all tests of a module that leave its backups as they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.integration.orchestration.backup.fleet_home import FleetHome
from tests.integration.orchestration.supervised import eventually
from tests.open_folder import open_folder
from warehouse.backup.record import Backup


@dataclass(frozen=True)
class History:
    """What happened: a reading of each device, a day in the lake, the backup, a reading, an instant, a reading."""

    fleet: FleetHome
    backup: Backup
    between: datetime
    """Two readings are there, the third is not."""


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    """The server has ended; the home and its backups are there."""
    with open_folder() as folder:
        fleet = FleetHome(folder)
        try:
            fleet.start()
            fleet.import_readings(1)
            fleet.run_day()
            backup = fleet.back_up()
            fleet.import_readings(2)
            assert backup.base is not None
            since = backup.base.restorable_from  # the end of a second
            assert eventually(lambda: fleet.now() > since)
            between = fleet.now()
            fleet.import_readings(3)
            fleet.archive_wal()
        finally:
            fleet.stop()
        yield History(fleet, backup, between)
