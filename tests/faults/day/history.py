"""Two days of a small fleet, long past, as templates: each round gets a database and a lake of its own."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from psycopg.sql import SQL, Identifier

from tests.dropped_database import drop_database
from tests.factories import iso
from tests.faults.day.outcome import outcome_of
from tests.faults.day.site import Site
from tests.faults.postgres import Postgres
from tests.faults.scenario import Stage
from warehouse import sqlfiles
from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded.cluster import ROLE
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_partitions

_PACKAGE = "tests.faults.day"
DAY = datetime.now(UTC).date() - timedelta(days=40)
"""Past retention; the day after it begins from its last samples."""
NEXT = DAY + timedelta(days=1)
LATE_MINUTES = 300
STEP_KWH = {DeviceKind.METER: 0.05, DeviceKind.VEHICLE: 0.045}


class State(StrEnum):
    """What the days of a round have been through."""

    CLOSED = "closed"
    EXPORTED = "exported"
    DROPPED = "dropped"


class History:
    """The states to begin from, and what an undisturbed run makes of each."""

    def __init__(self, server_url: str, folder: Path, devices: int) -> None:
        """Make all of it. The second day is filled when the first has run."""
        self._server_url = server_url
        self._folder = folder
        self._devices = devices
        self._numbers = count(1)
        self.late_file = folder / "late.ndjson"
        late_vehicles = folder / "late_vehicles.ndjson"
        self._write_late_readings(late_vehicles)
        self._fill(self._template(State.CLOSED))
        with self.site(State.CLOSED) as site:
            site.run_days()
            self.ran = outcome_of(site)
            self._fill_day(site.url, NEXT)
            site.run_days()
            self.exported = outcome_of(site)
            self._keep(site, State.EXPORTED)
            site.retain()
            self.dropped = outcome_of(site)
            self._keep(site, State.DROPPED)
        with self.site(State.EXPORTED) as site:
            site.import_and_run(self.late_file)
            self.added_to = outcome_of(site)
        with self.site(State.EXPORTED) as site:
            site.import_and_run(late_vehicles)
            self.half_added_to = outcome_of(site)
            """What a run comes to that an import overtakes between its exports of the meters and of the vehicles."""
        with self.site(State.DROPPED) as site:
            site.import_and_run(self.late_file)
            self.restored = outcome_of(site)

    @contextmanager
    def site(self, state: State) -> Iterator[Site]:
        """A copy of a state; nothing of it is left at the end."""
        name = f"round_{next(self._numbers)}"
        home = self._folder / name
        home.mkdir()
        lake = self._folder / state / "lake"
        if lake.exists():
            shutil.copytree(lake, home / "lake")
        self._copy_database(self._template(state), name)
        site = Site(self._url_of(name), home)
        try:
            yield site
        finally:
            site.end_commands()
            with connect(self._server_url) as admin:
                drop_database(admin, name)
            shutil.rmtree(home)

    def _keep(self, site: Site, state: State) -> None:
        shutil.copytree(site.lake.root, self._folder / state / "lake")
        self._copy_database(urlsplit(site.url).path.removeprefix("/"), self._template(state))

    def _copy_database(self, source: str, name: str) -> None:
        clone = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        with connect(self._server_url) as admin:
            admin.execute(clone.format(Identifier(name), Identifier(source)))

    def _template(self, state: State) -> str:
        return f"template_{state}"

    def _url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{database}"))

    def _fill(self, database: str) -> None:
        with connect(self._server_url) as admin:
            admin.execute(SQL("CREATE DATABASE {}").format(Identifier(database)))
        url = self._url_of(database)
        migrate(url)
        with connect(url) as connection:
            make_partitions(connection, [DAY, NEXT], timedelta(hours=2))
            for kind in DeviceKind:
                create = sqlfiles.load(_PACKAGE, "create_devices").format(table=Identifier(kind.devices))
                connection.execute(create, {"devices": self._devices, "prefix": f"{kind}-"})
            mappings = {"devices": self._devices, "noon": midnight(DAY) + timedelta(hours=12)}
            connection.execute(sqlfiles.load(_PACKAGE, "create_mappings"), mappings)
        self._fill_day(url, DAY)

    def _fill_day(self, url: str, day: date) -> None:
        create = sqlfiles.load(_PACKAGE, "create_readings")
        first_minute = 1440 * (day - DAY).days
        with connect(url) as connection:
            for kind in DeviceKind:
                names = {"readings": Identifier(kind.readings), "device_id": Identifier(kind.device_id)}
                minutes = {"starts_at": midnight(DAY), "first": first_minute, "last": first_minute + 1439}
                values = {**minutes, "devices": self._devices, "step_kwh": STEP_KWH[kind]}
                connection.execute(create.format(**names), values)

    def _write_late_readings(self, vehicles_alone: Path) -> None:
        """The first day's last hours, half a minute off: each device's last sample becomes another one."""
        with self.late_file.open("w") as file, vehicles_alone.open("w") as vehicles:
            for minute in range(1440 - LATE_MINUTES, 1440):
                ts = iso(midnight(DAY) + timedelta(minutes=minute, seconds=30))
                for device in range(1, self._devices + 1):
                    grown = minute + 0.5 - (700 if device % 10 == 0 else 0)
                    first = 0 if device % 10 == 0 else 10 * device
                    ac, dc = (round(first + grown * STEP_KWH[kind], 6) for kind in DeviceKind)
                    meter = {"meterId": f"meter-{device}", "kwhConsumedAc": ac, "timestamp": ts}
                    vehicle = {"vehicleId": f"vehicle-{device}", "kwhDeliveredDc": dc, "timestamp": ts}
                    file.write(f"{json.dumps(meter)}\n{json.dumps(vehicle)}\n")
                    vehicles.write(f"{json.dumps(vehicle)}\n")


@contextmanager
def history_of(stage: Stage) -> Iterator[History]:
    """The history on a server of the stage's own."""
    postgres = Postgres(stage.folder / "home")
    try:
        url = postgres.start()
        with connect(postgres.server.upkeep_url()) as admin:
            admin.execute(f"ALTER ROLE {ROLE} CREATEDB")
        stage.findings.say("making the states to begin from")
        history = History(url, stage.folder, stage.scale.day_devices)
        differing = history.added_to.differences(history.restored, in_the_lake=True)
        stage.findings.none_of("imports into kept and into dropped days make the same lake", differing)
        yield history
    finally:
        postgres.stop()
