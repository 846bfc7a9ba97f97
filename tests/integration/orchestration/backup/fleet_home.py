"""A home with a real server of its own, readings, a day in the lake, and a folder for its backups."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from orchestration.home.database import url_in
from tests.factories import meter_payload, vehicle_payload
from tests.fewer_models import catalog_of
from tests.open_folder import open_folder
from warehouse.backup.make import BackupMaker
from warehouse.backup.record import Backup
from warehouse.backup.target import BackupTarget
from warehouse.contract.database_roles import APART
from warehouse.contract.partitions import midnight
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.readings_import import import_file
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_ahead
from warehouse.postgres.roles.settling import settle_roles
from warehouse.postgres.wal.stored import stored_names
from warehouse.settings import FleetSettings

DAY = datetime.now(UTC).date() - timedelta(days=3)
PATIENCE_S = 120.0


class FleetHome:
    """What lies below ``folder``, which other accounts may enter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.target = BackupTarget(folder / "backups")
        self.settings = FleetSettings(_env_file=None, home=self.home)
        self.server = EmbeddedPostgres(self.home)
        self.lake = Lake(self.settings.lake)
        self.said: list[str] = []
        self.url = ""

    def start(self) -> None:
        """With a schema, its roles, and partitions."""
        self.url = self.server.ensure_running()
        migrate(self.url)
        settle_roles(self.url, {role: url_in(self.server, role) for role in APART})
        with connect(self.url) as connection:
            make_ahead(connection, datetime.now(UTC), timedelta(days=9), timedelta(hours=2))

    def import_readings(self, minute: int, device: str = "1") -> None:
        """Of a meter and a vehicle, a minute of the day."""
        at = (midnight(DAY) + timedelta(minutes=minute)).isoformat()
        path = self.folder / f"{device}-{minute}.ndjson"
        readings = [
            meter_payload(meterId=f"meter-{device}", timestamp=at, kwhConsumedAc=100.0 + minute),
            vehicle_payload(vehicleId=f"veh-{device}", timestamp=at, kwhDeliveredDc=90.0 + minute),
        ]
        path.write_text("".join(f"{json.dumps(reading)}\n" for reading in readings))
        assert import_file(self.url, path, self.settings).failure is None

    def run_day(self, day: date = DAY) -> None:
        """Into the lake."""
        DailyPipeline(self.url, self.lake, catalog_of("daily_vehicle_efficiency")).run(day)

    def back_up(self, target: BackupTarget | None = None) -> Backup:
        """Make one; the server runs."""
        made, _ = BackupMaker(self.settings, self.url, self.lake, target or self.target, self.said.append).make()
        return made

    def now(self) -> datetime:
        """By the server's clock, behind all that is committed."""
        with connect(self.url) as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        return datetime.fromisoformat(str(row[0]))

    def archive_wal(self) -> str:
        """Close the segment that is written to, and wait until the target has it; returns its name."""
        archive = self.server.wal_archive.read()
        assert archive is not None
        with connect(self.server.upkeep_url()) as connection:
            connection.execute("SELECT txid_current()")
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        folder, name = archive.folder_in(archive.targets[0]), str(row[0])
        wait_for(lambda: name in stored_names(folder), lambda: self.server.wal_archive.failure)
        return name

    def stop(self) -> None:
        """All of it stays."""
        self.server.stop()

    def lose(self) -> None:
        """All but the backups."""
        self.server.stop()
        shutil.rmtree(self.home)


@contextmanager
def backed_up_home() -> Iterator[tuple[FleetHome, Backup]]:
    """A home with a reading of each device, a day in the lake, and a backup of both; its server runs."""
    with open_folder() as folder:
        fleet = FleetHome(folder)
        try:
            fleet.start()
            fleet.import_readings(1)
            fleet.run_day()
            yield fleet, fleet.back_up()
        finally:
            fleet.stop()


def wait_for(is_so: Callable[[], object], why_not: Callable[[], object] = lambda: "it never was") -> None:
    """For as long as a busy machine takes."""
    give_up = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up, why_not()
        time.sleep(0.05)


def flip_a_byte(path: Path, at: int = -100) -> None:
    """As a failing disk does."""
    content = bytearray(path.read_bytes())
    content[at] ^= 0x55
    path.write_bytes(content)


def readings_in(url: str) -> int:
    """How many readings of meters there are."""
    with connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM meter_readings").fetchone()
    assert row is not None
    return int(row[0])
