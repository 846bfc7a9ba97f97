"""A home that was backed up while it went on, for all tests of a module that leave its backups as they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.integration.orchestration.backup.fleet_home import FleetHome, backed_up_home, wait_for
from warehouse.backup.record import Backup
from warehouse.contract.tokens import Scope
from warehouse.contract.users import Role
from warehouse.postgres.access.token_store import TokenRequest, create_token, revoke_token
from warehouse.postgres.access.user_store import add_user, disable_user
from warehouse.postgres.connection import connect


@dataclass(frozen=True)
class History:
    """What happened: a reading of each device, a day in the lake, the backup, a reading, an instant, a reading."""

    fleet: FleetHome
    backup: Backup
    between: datetime
    """Two readings are there, the third is not."""
    stolen: str
    """The id of a token that was valid then, and is revoked behind that; and maria, who was disabled."""
    newer: str
    """Of one that was made behind it."""


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    """The server has ended; the home and its backups are there."""
    with backed_up_home() as (fleet, backup):
        fleet.import_readings(2)
        assert backup.base is not None
        since = backup.base.restorable_from  # the end of a second
        wait_for(lambda: fleet.now() > since)
        with connect(fleet.url) as connection:
            stolen = create_token(connection, TokenRequest("charger 7", [Scope.INGEST])).token_id
            for name in ("maria", "nina"):
                add_user(connection, name, Role.OPERATOR, "correct horse battery")
            connection.execute(
                "INSERT INTO user_sessions (session_sha256, user_id, expires_at) "
                "SELECT sha256('a session'), user_id, clock_timestamp() + '1 d' FROM users WHERE name = 'nina'"
            )
        between = fleet.now()
        fleet.import_readings(3)
        with connect(fleet.url) as connection:
            revoke_token(connection, stolen)
            disable_user(connection, "maria")
            newer = create_token(connection, TokenRequest("charger 7 again", [Scope.INGEST])).token_id
        fleet.archive_wal()
        fleet.stop()
        yield History(fleet, backup, between, stolen, newer)
