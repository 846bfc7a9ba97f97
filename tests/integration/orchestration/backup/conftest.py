"""A home that was backed up while it went on, for all tests of a module that leave its backups as they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.integration.orchestration.backup.fleet_home import FleetHome, backed_up_home, wait_for
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
    with backed_up_home() as (fleet, backup):
        fleet.import_readings(2)
        assert backup.base is not None
        since = backup.base.restorable_from  # the end of a second
        wait_for(lambda: fleet.now() > since)
        between = fleet.now()
        fleet.import_readings(3)
        fleet.archive_wal()
        fleet.stop()
        yield History(fleet, backup, between)
