"""kill -9 while a vehicle is forgotten; then its id is searched for in every file of the home and every table."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import polars as pl
import psycopg
from psycopg.conninfo import make_conninfo

from tests.factories import iso, meter_payload, ramp, vehicle_payload
from tests.faults.day.site import Command, Site
from tests.faults.day.waiting import until
from tests.faults.postgres import Postgres
from tests.faults.scenario import Stage
from warehouse.contract.partitions import midnight
from warehouse.lake.storage.patterns import path_of
from warehouse.postgres.connection import connect
from warehouse.postgres.device_data.forgetting_store import unfinished_forgettings
from warehouse.postgres.device_data.named_device import find_devices
from warehouse.postgres.ledger.lake_files import list_current_files
from warehouse.postgres.migrate import migrate

VEHICLE, METER = "WDB-drill-7316", "DE*DRL*E7316*1"
OTHERS = 2
TODAY = datetime.now(UTC).date()
DROPPED, KEPT = TODAY - timedelta(days=40), [TODAY - timedelta(days=5), TODAY - timedelta(days=4)]
DAYS = [DROPPED, *KEPT]
KILLED_WITHIN_S = 2.0
"""Of the first word of a command."""
FLEET = "daily_fleet_efficiency"


def run(stage: Stage) -> None:
    """Half forgotten is said, gone on with, and in the end nothing of it is left and the fleet's sums are as before."""
    findings, home = stage.findings, stage.folder / "home"
    postgres = Postgres(home)
    try:
        url = postgres.start()
        migrate(url)
        site = Site(url, home)
        _fill(stage, site)
        before = _sums(site)
        traces = list(_traces(home, url, VEHICLE))
        findings.figure("places_before", len(traces))
        findings.require(
            "the id is found before, in files of PostgreSQL too", any("postgres/" in each for each in traces)
        )
        began = time.monotonic()
        _forget(stage, site, home)
        findings.figure("forgotten_after_s", time.monotonic() - began)
        findings.none_of("the id is in no file, table or log", list(_traces(home, url, VEHICLE)))
        after = _sums(site)
        for day in DAYS:
            same = all(abs(after[day][name] - was) < 1e-6 for name, was in before[day].items())
            findings.require(f"the fleet's sums of {day} are as before", same, after[day] if not same else "")
        left = all(each in "".join(_names(url)) for each in (METER, *(f"veh-{number}" for number in range(OTHERS))))
        findings.require("the meter and the other vehicles are still there", left)
    finally:
        postgres.server.stop()


def _fill(stage: Stage, site: Site) -> None:
    """Days of some pairs: one that only the lake has, two that PostgreSQL has too; an item that was refused."""
    pairs = [(VEHICLE, METER), *((f"veh-{number}", f"meter-{number}") for number in range(OTHERS))]
    file = stage.folder / "readings.ndjson"
    with file.open("w") as lines:
        for number, day in enumerate(DAYS):
            start = midnight(day) + timedelta(hours=10)
            for vehicle, meter in pairs:
                ac = ramp(meter_payload, "kwhConsumedAc", start, 120, 100.0 + 50 * number, 0.1)
                dc = ramp(vehicle_payload, "kwhDeliveredDc", start, 120, 100.0 + 50 * number, 0.09)
                for reading in (
                    *({**each, "meterId": meter} for each in ac),
                    *({**each, "vehicleId": vehicle} for each in dc),
                ):
                    lines.write(json.dumps(reading) + "\n")
        lines.write(json.dumps(vehicle_payload(vehicleId=VEHICLE, soc=101.0, timestamp=iso(midnight(KEPT[0])))) + "\n")
    site.import_and_run(file)
    file.unlink()
    with connect(site.url) as connection:
        for vehicle, meter in pairs:
            connection.execute(
                "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) "
                "SELECT vehicle_id, meter_id, '2000-01-01Z' FROM vehicles, meters "
                "WHERE vehicles.external_id = %s AND meters.external_id = %s",
                [vehicle, meter],
            )
        connection.execute("UPDATE day_builds SET requested = requested + 1, reason = %s", [f"{VEHICLE} was mapped"])
        site.run_days()
        connection.execute("UPDATE late_rows SET stored_at = stored_at - INTERVAL '31 days' WHERE day = %s", [DROPPED])
    site.retain()
    (site.home / "logs").mkdir(exist_ok=True)
    (site.home / "logs" / "api.log.2").write_text(f"refused a reading of {VEHICLE}\n")


def _forget(stage: Stage, site: Site, home: Path) -> None:
    """Begin, kill, go on, until it is done."""
    folder = stage.folder / "commands"
    folder.mkdir()
    kills = told = 0
    with connect(site.url) as connection:
        while find_devices(connection, VEHICLE) or unfinished_forgettings(connection):
            again = unfinished_forgettings(connection)
            words = ("forget", "--resume") if again else ("forget", VEHICLE, "--yes")
            told += any("half forgotten" in str(each) for each in again)
            said = _bytes_in(folder)
            command = Command(words, {"FLEET_HOME": str(home)}, folder)
            if kills < stage.scale.day_kills:
                until(partial(_has_spoken, command, folder, said))
                time.sleep(stage.drawn.random() * KILLED_WITHIN_S)
                kills += command.kill()
            elif command.ended() != 0:
                raise AssertionError(command.said)
    stage.findings.figure("kills", kills)
    stage.findings.figure("half_forgotten_was_told", told)


def _has_spoken(command: Command, folder: Path, before: int) -> bool:
    return command.has_ended() or _bytes_in(folder) > before


def _bytes_in(folder: Path) -> int:
    """How much the commands that work there have said."""
    return sum(path.stat().st_size for path in folder.iterdir())


def _sums(site: Site) -> dict[date, dict[str, float]]:
    """What was metered and delivered on each day, as readers see it."""
    with connect(site.url) as connection:
        files = {file.day: file for file in list_current_files(connection, [FLEET])}
    rows = {day: pl.read_parquet(path_of(site.lake.location(file))).row(0, named=True) for day, file in files.items()}
    return {day: {name: row[name] for name in ("metered_ac_kwh", "delivered_dc_kwh")} for day, row in rows.items()}


def _traces(home: Path, url: str, name: str) -> Iterator[str]:
    """Where a name is: in the bytes of each file, the values of each Parquet file, the rows of each table."""
    with connect(url) as connection:
        databases = [row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datallowconn")]
    for database in databases:
        with psycopg.connect(make_conninfo(url, dbname=database)) as connection:
            yield from (f"{database}: {table}" for table in _tables_with(connection, name))
    for path in sorted(each for each in home.rglob("*") if each.is_file()):
        with suppress(FileNotFoundError):  # PostgreSQL's own come and go
            if name.encode() in path.read_bytes() or (path.suffix == ".parquet" and name in _rows_of(path)):
                yield str(path.relative_to(home))


def _tables_with(connection: psycopg.Connection, name: str) -> Iterator[str]:
    owned = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relowner = current_user::regrole"
    for (table,) in connection.execute(owned).fetchall():
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT".encode()) as rows:
            content = b"".join(map(bytes, rows))
        if name.encode() in content or name.encode().hex().encode() in content:
            yield table


def _rows_of(path: Path) -> str:
    rows = duckdb.execute("SELECT * FROM read_parquet(?, hive_partitioning = false)", [str(path)])
    return str(rows.fetchall())


def _names(url: str) -> list[str]:
    with connect(url) as connection:
        query = "SELECT external_id FROM vehicles UNION ALL SELECT external_id FROM meters"
        return [name for (name,) in connection.execute(query)]
