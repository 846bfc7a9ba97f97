"""A small fleet in a database of an earlier schema, by statements that every schema understands."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from tests.earlier_schema import add_partitions
from tests.stored_findings import add_event, add_finding
from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind
from warehouse.lake.storage.keys import UNVERSIONED, folder_of
from warehouse.owners_rights import as_owner_of

DAY = datetime.now(UTC).date() - timedelta(days=3)
DEVICES = 4
"""Of each kind. Those of findings are called otherwise."""
EXPORTED = b"PAR1 as an earlier release published it"
_STEP_KWH = {DeviceKind.METER: 0.05, DeviceKind.VEHICLE: 0.045}
_FILL = (
    "INSERT INTO {devices} (external_id) SELECT %(kind)s || '-' || number FROM generate_series(1, %(count)s) AS number",
    # Registers that grow evenly; the last one restarts about noon of the first day.
    "INSERT INTO {readings} ({device_id}, ts, kwh)"
    " SELECT device, %(begin)s + minute * interval '1 minute', CASE WHEN device = %(count)s AND minute > 700"
    " THEN (minute - 700) * %(step_kwh)s ELSE 10 * device + minute * %(step_kwh)s END"
    " FROM generate_series(0, 2 * 1440 - 1) AS minute, generate_series(1, %(count)s) AS device",
    "INSERT INTO {latest} ({device_id}, ts, kwh, received_at)"
    " SELECT DISTINCT ON ({device_id}) {device_id}, ts, kwh, now() FROM {readings} ORDER BY {device_id}, ts DESC",
)
_MAP = (  # each vehicle at the meter of its number, but for the first two, which change places
    "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from, valid_to)"
    " SELECT number, number, '1970-01-01Z'::timestamptz, CASE WHEN number <= 2 THEN %(noon)s::timestamptz END"
    " FROM generate_series(1, %(count)s) AS number"
    " UNION ALL SELECT number, 3 - number, %(noon)s, NULL FROM generate_series(1, 2) AS number"
)
_SINCE = {"lake": "0002", "findings": "0013", "tokens": "0018", "users": "0022"}


def fill(connection: psycopg.Connection, revision: str) -> None:
    """Two days of readings, mappings of which one changes, and what later schemas have besides."""
    add_partitions(connection, [DAY, DAY + timedelta(days=1)])
    for kind in DeviceKind:
        names = {
            "devices": Identifier(kind.devices),
            "readings": Identifier(kind.readings),
            "latest": Identifier(f"{kind}_latest"),
            "device_id": Identifier(kind.device_id),
        }
        values = {"kind": kind, "count": DEVICES, "begin": midnight(DAY), "step_kwh": _STEP_KWH[kind]}
        for statement in _FILL:
            connection.execute(SQL(statement).format(**names), values)
    connection.execute(_MAP.encode(), {"count": DEVICES, "noon": midnight(DAY) + timedelta(hours=12)})
    if revision >= _SINCE["findings"]:
        add_event(connection, add_finding(connection, 7), "opened")
    if revision >= _SINCE["tokens"]:
        connection.execute(
            "INSERT INTO tokens (token_id, secret_sha256, name, scopes, change_number)"
            " VALUES ('charger7', sha256('a secret'), 'charger 7', ARRAY['ingest'], 0)"
        )
    if revision >= _SINCE["users"]:
        connection.execute(
            "INSERT INTO users (name, role, password_hash) VALUES ('maria', 'operator', '$argon2id$v=19$of a test')"
        )


def publish_unversioned(connection: psycopg.Connection, lake: Path, day: date = DAY) -> None:
    """A file of the lake under the name that the first release gave it."""
    dataset = "meter_readings"
    folder = lake / folder_of(dataset, day)
    with as_owner_of(lake.parent):
        folder.mkdir(parents=True)
        (folder / UNVERSIONED).write_bytes(EXPORTED)
    connection.execute(
        "INSERT INTO lake_files (dataset, day, version, sha256, size_bytes, row_count, published_at)"
        " VALUES (%s, %s, 1, %s, %s, 7, clock_timestamp())",
        [dataset, day, hashlib.sha256(EXPORTED).digest(), len(EXPORTED)],
    )
