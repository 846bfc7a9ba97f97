"""A fleet with closed days behind it: small ones, and a full-size one, in PostgreSQL and in the lake."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from psycopg.sql import Identifier

from tests.faults.day.history import STEP_KWH
from tests.faults.day.outcome import hashes_of
from tests.faults.day.site import CATALOG
from warehouse import sqlfiles
from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind
from warehouse.lake.publish import is_file_intact
from warehouse.lake.snapshot import current_snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_ledger import request_build
from warehouse.postgres.ledger.lake_files import LakeFile, list_current_files, list_versions
from warehouse.postgres.partitions.creation import make_partitions

TODAY = datetime.now(UTC).date()
SMALL_DAYS = [TODAY - timedelta(days=back) for back in (6, 5, 3)]
"""The last one is made behind the backup. Late readings of clients are of two days ago at the earliest."""
FULL_DAY = TODAY - timedelta(days=4)
SMALL_SHARE = 10
"""A small day has so many times fewer devices."""


class Fleet:
    """What a database and a lake hold."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.lake = Lake(home / "lake")

    def fill(self, devices: int) -> None:
        """All days, in PostgreSQL alone."""
        small = max(2, devices // SMALL_SHARE)
        with connect(self.url) as connection:
            make_partitions(connection, [*SMALL_DAYS, FULL_DAY], timedelta(hours=2))
            for kind in DeviceKind:
                create = sqlfiles.load("tests.faults.day", "create_devices").format(table=Identifier(kind.devices))
                connection.execute(create, {"devices": devices, "prefix": f"{kind}-"})
                for day in sorted([*SMALL_DAYS, FULL_DAY]):
                    self._fill_day(kind, day, devices if day == FULL_DAY else small)
            noon = midnight(SMALL_DAYS[0]) + timedelta(hours=12)
            connection.execute(sqlfiles.load("tests.faults.day", "create_mappings"), {"devices": devices, "noon": noon})

    def _fill_day(self, kind: DeviceKind, day: date, devices: int) -> None:
        begins = 1440 * (day - SMALL_DAYS[0]).days
        names = {"readings": Identifier(kind.readings), "device_id": Identifier(kind.device_id)}
        values = {"starts_at": midnight(SMALL_DAYS[0]), "first": begins, "last": begins + 1439}
        last = {"last": midnight(day) + timedelta(minutes=1439)}
        with connect(self.url) as connection:
            create = sqlfiles.load("tests.faults.day", "create_readings").format(**names)
            connection.execute(create, {**values, "devices": devices, "step_kwh": STEP_KWH[kind]})
            states = sqlfiles.load("tests.faults.backup", "create_states")
            connection.execute(states.format(**names, latest=Identifier(f"{kind}_latest")), last)

    def run(self, day: date) -> None:
        """Into the lake."""
        DailyPipeline(self.url, self.lake, CATALOG).run(day)

    def run_again(self, day: date) -> None:
        """As if it had to be made anew."""
        with connect(self.url) as connection:
            request_build(connection, day, "a drill")
        self.run(day)

    def versions(self) -> set[tuple[str, date, int, bytes]]:
        """What the ledger says."""
        with connect(self.url) as connection:
            return {_as_known(file) for file in list_versions(connection)}

    def damaged(self) -> set[tuple[str, date]]:
        """Files of the lake that are not what the ledger says, of each dataset and day."""
        with connect(self.url) as connection:
            files = list_current_files(connection)
            return {(file.dataset, file.day) for file in files if not is_file_intact(self.lake, file)}

    def hashes(self) -> dict[tuple[str, date], str]:
        """What the bytes of the lake say, of each dataset whose bytes are the same each time."""
        with connect(self.url) as connection:
            return hashes_of(current_snapshot(connection, self.lake))

    def sent_since(self, since: datetime) -> set[bytes]:
        """Readings as the ledger of the clients has them."""
        with connect(self.url) as connection:
            rows = connection.execute(sqlfiles.load("tests.faults.backup", "list_sent"), {"since": since})
            return {
                f"{kind}\t{name}\t{ts.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}\t{kwh:.3f}\n".encode()
                for kind, name, ts, kwh in rows
            }


def _as_known(file: LakeFile) -> tuple[str, date, int, bytes]:
    return file.dataset, file.day, file.version, file.sha256
