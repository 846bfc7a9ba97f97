"""Each command that changes something makes one entry of the audit log; ``fleetwatt audit`` shows them."""

import io
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from orchestration.home.asked_by import ASKED_BY, asked_by
from tests.audited import audited, audited_by
from tests.command_tree import COMMANDS
from tests.conftest import fresh_database
from tests.earlier_schema import bring_to
from tests.factories import meter_payload
from tests.integration.orchestration.conftest import Ended, Fleetwatt
from tests.open_folder import open_folder
from tests.stored_findings import add_finding
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.tables import DeviceKind
from warehouse.contract.tokens import Scope
from warehouse.contract.users import Role
from warehouse.postgres.access.token_store import TokenRequest, create_token
from warehouse.postgres.access.user_store import add_user
from warehouse.postgres.audit.entries import record
from warehouse.postgres.connection import connect
from warehouse.postgres.readings.device_ids import register_devices

PASSWORD = "canary of a Pa55word"  # noqa: S105 - a test's own
LONG_AGO = datetime.now(UTC) - timedelta(days=60)
DAY = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()

READ = {
    *("status", "quarantine", "query", "report", "audit", "findings list", "findings show", "alerts list"),
    *("tokens list", "users list", "models list", "models show", "models lineage", "models check", "models docs"),
    *("models freshness", "models test", "models trace", "readings corrections"),
}
NO_DATABASE = {"alerts test", "simulate"}
"""A message to whoever is told, and readings by HTTP."""
RUN_ON = {"up", "api", "dagster"}
"""What changes something there (a migration, a token, a request) is told where it is changed."""
WITH_ITS_OWN_SERVER = {"restore", "migrate", "upgrade"}
"""Looked at where such a server is: tests/integration/orchestration/backup and upgrade, and below."""


@dataclass
class Stand:
    """What a command needs to change something."""

    connection: psycopg.Connection
    folder: Path

    def token(self) -> str:
        return create_token(self.connection, TokenRequest("a", [Scope.READ])).token_id

    def user(self) -> str:
        return add_user(self.connection, "maria", Role.VIEWER, PASSWORD).name

    def finding(self, state: str = "open") -> str:
        return str(add_finding(self.connection, state=state))

    def meter(self) -> str:
        register_devices(self.connection, DeviceKind.METER, dict.fromkeys(["meter-7"]))
        self.connection.execute("UPDATE meters SET registered_at = %s", [LONG_AGO])
        return "meter-7"

    def reading(self) -> list[str]:
        """Of a meter, an hour ago."""
        meter, ts = self.meter(), (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)
        self.connection.execute(
            "INSERT INTO meter_readings (meter_id, ts, kwh) SELECT meter_id, %s, 7 FROM meters WHERE external_id = %s",
            [ts, meter],
        )
        return [meter, ts.isoformat()]

    def silent(self, *arguments: str) -> list[str]:
        """With a meter that nothing was heard of."""
        self.meter()
        return [*arguments]

    def labels(self) -> str:
        """A table that gives a meter a site."""
        path = self.folder / "meters.csv"
        path.write_text(f"meterId,site\n{self.meter()},North\n")
        return str(path)

    def file(self) -> str:
        path = self.folder / "readings.ndjson"
        path.write_text(f"{json.dumps(meter_payload())}\n")
        return str(path)


FIRST_ADMIN = ["--role", "admin", "--password-stdin"]
WAYS: Mapping[str, Callable[[Stand], list[str]]] = {
    "import": lambda stand: [stand.file()],
    "models build": lambda _: ["--missing"],
    "seal": lambda _: [DAY],
    "export": lambda _: [DAY],
    "run-day": lambda _: [DAY],
    "hours": lambda _: [],
    "scrub": lambda _: [],
    "retain": lambda _: [],
    "pack": lambda _: [],
    "partitions": lambda _: [],
    "devices import": lambda stand: [stand.labels(), "--yes"],
    "devices prune": lambda stand: stand.silent("--older-than", "30d", "--yes"),
    "export-device": lambda stand: [stand.meter(), "--output", str(stand.folder / "exported")],
    "forget": lambda stand: [stand.meter(), "--yes"],
    "readings correct": lambda stand: [*stand.reading(), "--void", "--why", "a corrupt row"],
    "findings acknowledge": lambda stand: [stand.finding()],
    "findings snooze": lambda stand: [stand.finding(), "--until", "2099-01-01"],
    "findings accept": lambda stand: [stand.finding()],
    "findings resolve": lambda stand: [stand.finding()],
    "findings reopen": lambda stand: [stand.finding("acknowledged")],
    "findings assign": lambda stand: [stand.finding(), "--to", "ben"],
    "findings note": lambda stand: [stand.finding(), "--note", "it hums"],
    "alerts send": lambda _: [],
    "tokens create": lambda _: ["--name", "a", "--scope", "read"],
    "tokens revoke": lambda stand: [stand.token()],
    "tokens rotate": lambda stand: [stand.token()],
    "users add": lambda _: ["maria", *FIRST_ADMIN],
    "users passwd": lambda stand: [stand.user(), "--password-stdin"],
    "users role": lambda stand: [stand.user(), "operator"],
    "users disable": lambda stand: [stand.user()],
    "users enable": lambda stand: [stand.user()],
    "users remove": lambda stand: [stand.user()],
    "backup": lambda stand: [str(stand.folder / "backups")],
}
"""How each command changes something: the arguments, made ready."""
TAKES_LONG = {"run-day", "models build", "backup"}
ENDS_OTHERWISE = {"run-day", "export", "seal"}
"""Nothing came in on that day: what was begun by hand is told all the same."""


@pytest.fixture
def run(
    fleetwatt: Fleetwatt, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ended]:
    """Run a command on this test's database and home, with a password that comes in."""
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    monkeypatch.setenv("FLEET_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        return fleetwatt(*arguments)

    return run


@pytest.fixture
def stand(connection: psycopg.Connection) -> Iterator[Stand]:
    with open_folder() as folder:  # a backup is the server's account's
        yield Stand(connection, folder)


def test_each_command_is_looked_at() -> None:
    """A new one says here that it reads alone, or how it changes something, and then it makes an entry."""
    known = READ | NO_DATABASE | RUN_ON | WITH_ITS_OWN_SERVER | WAYS.keys()
    assert {name.removeprefix("fleetwatt ") for name in COMMANDS} == known
    assert len(known) == sum(map(len, (READ, NO_DATABASE, RUN_ON, WITH_ITS_OWN_SERVER, WAYS)))


@pytest.mark.parametrize(
    "command", [pytest.param(each, marks=pytest.mark.long if each in TAKES_LONG else ()) for each in sorted(WAYS)]
)
def test_each_command_that_changes_something_makes_one_entry(
    run: Callable[..., Ended], stand: Stand, command: str
) -> None:
    arguments = WAYS[command](stand)
    ended: list[Ended] = []
    found = audited_by(stand.connection, lambda: ended.append(run(*command.split(), *arguments)))
    assert ended[0].code == 0 or command in ENDS_OTHERWISE, ended[0].err
    assert len(found) == 1, found
    entry = found[0]
    assert (entry["actor_kind"], entry["actor_name"]) == ("command line", asked_by())
    assert (entry["address"], entry["request_id"]) == (socket.gethostname(), None)
    assert entry["action"] != Action.COMMAND_RUN or (entry["subject_kind"], entry["subject"]) == ("command", command)
    assert "canary" not in str(entry)
    if command == "forget":
        assert "meter-7" not in str(audited(stand.connection))
        assert entry["subject"].startswith("forgotten-")


@pytest.mark.parametrize("command", ["status", "findings list", "tokens list", "users list", "alerts list", "audit"])
def test_what_only_reads_makes_none(run: Callable[..., Ended], stand: Stand, command: str) -> None:
    assert audited_by(stand.connection, lambda: run(*command.split())) == []


def test_what_was_not_done_makes_none(run: Callable[..., Ended], stand: Stand) -> None:
    token, meter = stand.token(), stand.meter()
    run("tokens", "revoke", token)

    def again() -> None:
        assert run("tokens", "revoke", token).code == 0
        assert run("tokens", "revoke", "nobody00").code == 1
        assert run("users", "remove", "nobody").code == 1
        assert run("devices", "prune", "--older-than", "30d").code == 0
        assert run("forget", meter).code == 4

    assert audited_by(stand.connection, again) == []


def test_a_migration_is_told_to_be_by_whoever_began_it(
    fleetwatt: Fleetwatt, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database(server_url, "template1") as url:
        bring_to(url, "0024")
        monkeypatch.setenv("FLEET_DATABASE_URL", url)
        assert fleetwatt("migrate").code == 0
        with connect(url) as connection:
            entry = audited(connection)[-1]
        assert (entry["action"], entry["actor_kind"], entry["actor_name"]) == (
            "database.migrate",
            "command line",
            asked_by(),
        )


def test_who_began_a_command_of_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ASKED_BY, "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert asked_by() == "root"
    monkeypatch.setenv("SUDO_USER", "ann")
    assert asked_by() == "ann"
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert asked_by() == "uid 4000000000", "sudo's word counts for root alone"
    monkeypatch.setenv(ASKED_BY, "ben")
    assert asked_by() == "ben", "root's command went on as the account of the home"


def test_it_is_shown_to_people_and_to_programs(run: Callable[..., Ended], stand: Stand) -> None:
    token = stand.token()
    assert run("tokens", "revoke", token).code == 0
    shown = run("audit", "--subject", token, "--action", "token.revoke").out.splitlines()
    assert shown[0].endswith(f"Z token.revoke token {token}: command line {asked_by()} on {socket.gethostname()}")
    assert shown[1].startswith("    revoked_at: null -> ")
    (entry,) = json.loads(run("audit", "--subject", token, "--action", "token.revoke", "--json").out)
    assert entry["actor"] == {"kind": "command line", "name": asked_by(), "tokenId": None}
    assert (entry["action"], entry["subjectKind"], entry["subject"]) == ("token.revoke", "token", token)
    assert entry["after"].keys() == {"name", "scopes", "devices", "expires_at", "revoked_at"}
    (made,) = json.loads(run("audit", "--actor", "pipeline", "--action", "token.create", "--json").out)
    assert made["before"] is None
    cut = run("audit", "--limit", "1")
    assert "there are more than 1 entry: --limit shows them" in cut.err
    assert "nothing was done" in run("audit", "--until", "2020-01-01").err
    assert run("audit", "--action", "nothing").code == 2


def test_what_was_forgotten_is_found_by_what_stands_for_it(run: Callable[..., Ended], stand: Stand) -> None:
    """The log's own rows get the stand-in, and stay."""
    meter = stand.meter()
    with stand.connection.transaction():
        record(
            stand.connection,
            Action.DEVICE_CHANGE,
            Change(SubjectKind.METER, meter, None, {"display_name": f"at {meter}, beside meter-70"}),
        )
    assert run("forget", meter, "--yes").code == 0
    (forgotten,) = audited(stand.connection, actions=[Action.DEVICE_FORGET])
    changed, again = audited(stand.connection, subject=forgotten["subject"])
    assert again == forgotten
    assert changed["after"] == {"display_name": f"at {forgotten['subject']}, beside meter-70"}
