"""Homes of every earlier schema are upgraded, killed on the way, and answer as one that never was an earlier one."""

from datetime import timedelta
from typing import Any

import httpx
import psycopg

from tests.earlier_data import DAY, fill, publish_unversioned
from tests.earlier_schema import bring_to
from tests.faults.api import Api
from tests.faults.attempts import clock
from tests.faults.day.site import Command
from tests.faults.scenario import Stage
from tests.no_tls import NO_TLS
from tests.upgraded_answers import answers, write_hours
from warehouse.backup.target import BackupTarget
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.schema_version import MIGRATIONS, find_revision, head_revision

FIRST_RELEASE = "0003"
HAS_FINDINGS = "0013"
VERSIONS_SINCE = "0009"
ENDS_WITHIN_S = 600.0
Ledger = list[tuple[Any, ...]]


def run(stage: Stage) -> None:
    """Each home: made by its schema, filled, upgraded with kills at random instants, asked."""
    earlier = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))[:-1]
    first = [FIRST_RELEASE, earlier[-1], *earlier]
    chosen = list(dict.fromkeys(first))[: stage.scale.upgraded_schemas]
    expected = {has: _Home(stage, f"expected-{has}").answers_at_head(has) for has in (False, True)}
    longest_s = 0.0
    for revision in chosen:
        home = _Home(stage, revision)
        ledger = home.make(revision)
        longest_s = max(longest_s, home.upgrade(revision))
        home.compare(revision, ledger, expected[revision >= HAS_FINDINGS])
    stage.findings.figure("schemas", len(chosen))
    stage.findings.figure("longest_upgrade_s", round(longest_s, 1))


class _Home:
    """One of them, with a server of its own."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage, self.findings = stage, stage.findings
        self.folder = stage.folder / name
        self.folder.mkdir(mode=0o755)
        self.home = self.folder / "home"
        self.target = BackupTarget(self.folder / "backups")
        self.server = EmbeddedPostgres(self.home)

    def make(self, revision: str) -> Ledger:
        """Fill one of this schema; returns what its ledger says."""
        url = self.server.ensure_running()
        try:
            bring_to(url, revision)
            with connect(url) as connection:
                fill(connection, revision)
                if "0002" <= revision < VERSIONS_SINCE:
                    publish_unversioned(connection, self.home / "lake")
                return _ledger(connection, revision)
        finally:
            self.server.stop()

    def answers_at_head(self, has_findings: bool) -> dict[str, Any]:
        """What the same rows answer where they were stored by the newest schema."""
        url = self.server.ensure_running()
        try:
            bring_to(url, "head")
            with connect(url) as connection:
                fill(connection, head_revision() if has_findings else FIRST_RELEASE)
            return self._ask(url)
        finally:
            self.server.stop()

    def upgrade(self, revision: str) -> float:
        """With kills on the way; returns how long the last one took, s."""
        kills = 0
        for _ in range(self.stage.scale.upgrade_kills):
            command = self._command()
            command.has_ended_within(self.stage.drawn.random() * 6)
            kills += command.kill()
        began = clock()
        command = self._command()
        is_done = command.ended(ENDS_WITHIN_S) == 0
        self.findings.require(f"{revision} is upgraded, after {kills} kills", is_done, "" if is_done else command.said)
        return clock() - began

    def compare(self, revision: str, ledger: Ledger, expected: dict[str, Any]) -> None:
        """With what it was, and with the answers of a home that never was of an earlier schema."""
        url = self.server.ensure_running()
        try:
            with connect(url) as connection:
                self.findings.require(f"{revision} is at head", find_revision(connection) == head_revision())
                self.findings.require(f"{revision} has the same ledger", _ledger(connection, revision) == ledger)
            found = self._ask(url)
        finally:
            self.server.stop()
        self.findings.none_of(
            f"{revision} answers the same", [path for path, each in found.items() if each != expected[path]]
        )

    def _ask(self, url: str) -> dict[str, Any]:
        with connect(url) as connection:
            write_hours(connection)
        api = Api(self.folder, {"FLEET_DATABASE_URL": url}, workers=1)
        try:
            api.start()
            with httpx.Client(base_url=f"http://127.0.0.1:{api.port}", timeout=60, verify=NO_TLS) as client:
                return answers(client)
        finally:
            api.kill()

    def _command(self) -> Command:
        words = ("upgrade", str(self.target.path), "--home", str(self.home))
        return Command(words, {}, self.folder, is_alone=True)


def _ledger(connection: psycopg.Connection, revision: str) -> Ledger:
    """What every schema knows of days and of published files."""
    days = [DAY, DAY + timedelta(days=1)]
    rows: Ledger = connection.execute(
        "SELECT stream, day, state, late_after FROM partition_ledger WHERE day = any(%s)", [days]
    ).fetchall()
    if revision >= "0002":
        rows += connection.execute("SELECT dataset, day, version, sha256 FROM lake_files").fetchall()
    return sorted(rows, key=str)
