"""What is said of a server by how it describes itself."""

import re

import pytest

from ingest_api.auth.known_tokens import WATCHING_CONNECTIONS
from ingest_api.commit.acting import ACTING_CONNECTIONS
from ingest_api.commit.group_commit import BULK_WRITERS, SMALL_WRITERS
from ingest_api.database import POOL_SIZE
from warehouse.postgres.server_fitness import API_WORKER_CONNECTIONS, fault_of

GOOD = {
    "version_number": 18_00_04,
    "encoding": "UTF8",
    "is_standby": False,
    "schema_name": "public",
    "search_path": "public",
    "fsync": "on",
    "full_page_writes": "on",
    "data_sync_retry": "off",
    "zero_damaged_pages": "off",
    "ignore_checksum_failure": "off",
    "session_replication_role": "origin",
    "track_counts": "on",
    "max_connections": 100,
    "reserved_connections": 3,
    "role_name": "fleet",
    "is_superuser": False,
    "role_limit": -1,
    "database_name": "fleetwatt",
    "database_limit": -1,
    "backend_pid": 1,
}


def test_nothing_is_said_of_a_good_one() -> None:
    assert fault_of(GOOD, opens=97) is None
    assert fault_of({**GOOD, "version_number": 15_00_00}, opens=1) is None


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"version_number": 14_00_09}, "PostgreSQL 14; Fleetwatt runs on 15 to 18"),
        ({"version_number": 19_00_00}, "PostgreSQL 19"),
        ({"encoding": "SQL_ASCII"}, "fleetwatt has the encoding SQL_ASCII"),
        ({"encoding": "LATIN1"}, "encoding LATIN1"),
        ({"is_standby": True}, "is a standby"),
        ({"schema_name": None, "search_path": "app"}, "no schema app"),
        ({"fsync": "off"}, "fsync = off: confirmed readings would be lost"),
        ({"full_page_writes": "off"}, "full_page_writes = off"),
        ({"data_sync_retry": "on"}, "data_sync_retry = on"),
        ({"zero_damaged_pages": "on"}, "zero_damaged_pages = on"),
        ({"ignore_checksum_failure": "on"}, "ignore_checksum_failure = on"),
        ({"session_replication_role": "replica"}, "session_replication_role = replica"),
        ({"track_counts": "off"}, "track_counts = off"),
        ({"max_connections": 22}, r"19 connections are allowed \(max_connections without the 3 .* up to 20 are opened"),
        ({"role_limit": 19}, r"19 connections are allowed \(the CONNECTION LIMIT of the role fleet\)"),
        ({"database_limit": 5}, r"5 connections are allowed \(the CONNECTION LIMIT of the database fleetwatt\)"),
        ({"is_superuser": True, "max_connections": 19}, r"19 connections are allowed \(max_connections\)"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(found: dict[str, object], said: str) -> None:
    fault = fault_of({**GOOD, **found}, opens=20)
    assert fault is not None
    assert re.search(said, fault), fault


def test_limits_do_not_hold_for_a_superuser() -> None:
    assert fault_of({**GOOD, "is_superuser": True, "role_limit": 1, "database_limit": 1}, opens=100) is None


def test_a_worker_opens_what_is_reckoned_with() -> None:
    others = ACTING_CONNECTIONS + WATCHING_CONNECTIONS
    assert 2 * POOL_SIZE + SMALL_WRITERS + BULK_WRITERS + others == API_WORKER_CONNECTIONS
