"""The drills: a fleet at work is backed up, everything else is removed, and the backup is held against a ledger."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tests.faults.attempts import AttemptsSeen, clock
from tests.faults.audit import audit
from tests.faults.backup.fleet import FULL_DAY, SMALL_DAYS, Fleet
from tests.faults.book import Book
from tests.faults.day.site import Command
from tests.faults.ledger_client import ALL_SHAPES
from tests.faults.product import Product
from tests.faults.readings import Shape
from tests.faults.scenario import Stage
from warehouse.backup.overview import overviews
from warehouse.backup.programs import size_of
from warehouse.backup.target import BackupTarget
from warehouse.contract.partitions import midnight
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.account import account_for_home
from warehouse.postgres.wal.archive import waiting_of

READINGS_PER_S = 2000
CONNECTIONS = 32
ITEMS = 20
SLOWED_MB_PER_S = 30
ARCHIVED_WITHIN_S = 120.0
RESTORED_WITHIN_S = 3600.0


@dataclass(frozen=True)
class Known:
    """What was true at an instant."""

    at: datetime
    versions: set[tuple[str, date, int, bytes]]


def restore(stage: Stage) -> None:
    """All that was acknowledged is there again."""
    _drill(stage, lambda drill: drill.restore_all())


def pitr(stage: Stage) -> None:
    """At instants chosen at random: what was acknowledged before is there, and nothing that was sent after."""
    _drill(stage, lambda drill: drill.restore_instants())


def _drill(stage: Stage, bring_back: Callable[["Drill"], None]) -> None:
    with stage.product() as product, Book(stage.folder, product.api.port) as book:
        drill = Drill(stage, product, book)
        drill.fill()
        drill.back_up_under_load()
        drill.lose_everything()
        bring_back(drill)


class Drill:
    """One product, its backups, and what is known of it."""

    def __init__(self, stage: Stage, product: Product, book: Book) -> None:
        self.stage, self.product, self.findings = stage, product, stage.findings
        self.home = stage.folder / "home"
        self.target = BackupTarget(stage.folder / "backups")
        self.fleet = Fleet(product.url, self.home)
        of_a_body = sum(1 if shape is Shape.SINGLE else ITEMS for shape in ALL_SHAPES) / len(ALL_SHAPES)
        interval_s = CONNECTIONS * of_a_body / READINGS_PER_S
        self.first_clients = book.clients(connections=CONNECTIONS, keeps_times=True)
        self.clients = book.clients(connections=CONNECTIONS, items=ITEMS, interval_s=interval_s, keeps_times=True)
        self.instants: list[Known] = []
        self.hashes: dict[tuple[str, date], str] = {}

    def fill(self) -> None:
        """Three small days and a full-size one; the last small one is not in the lake yet."""
        self.findings.say(f"{self.stage.scale.backup_devices} devices of each kind on {FULL_DAY}")
        self.fleet.fill(self.stage.scale.backup_devices)
        with self.first_clients.sending():  # all devices are known before a day is made that lists them
            self.findings.require("ingest works", self.first_clients.wait_for(4 * CONNECTIONS))
        for day in (*SMALL_DAYS[:-1], FULL_DAY):
            self.fleet.run(day)

    def back_up_under_load(self) -> None:
        """One backup is killed, the next is made; then a day gets into the lake, and instants are noted."""
        findings, scale = self.findings, self.stage.scale
        with self.clients.sending():
            began = clock()
            time.sleep(scale.steady_s)
            before = self.clients.attempts.between(began)
            self._kill_a_backup()
            self._figures_of_ingest("before", before)
            self._figures_of_ingest("meanwhile", self._make_backup("backup"))
            slowed = self._make_backup("slowed_backup", "--max-rate", str(SLOWED_MB_PER_S))
            self._figures_of_ingest("while_slowed", slowed)
            for number in range(scale.backup_instants):
                if number == scale.backup_instants // 2:
                    self.fleet.run(SMALL_DAYS[-1])  # published behind the backup
                time.sleep(self.stage.drawn.random() * scale.steady_s)
                self.instants.append(Known(datetime.now(UTC), self.fleet.versions()))
            findings.require("ingest works after the backup", self.clients.wait_for(CONNECTIONS))
        self.hashes = self.fleet.hashes()
        self._archive_all()

    def _kill_a_backup(self) -> None:
        command = self._command("backup", str(self.target.path))
        while not command.has_ended() and not self.target.path.is_dir():
            time.sleep(0.01)
        time.sleep(self.stage.drawn.random() * 3)
        was_killed = command.kill()
        listed = self.target.backups() if self.target.path.is_dir() else []
        self.findings.require("a killed backup is not listed", not was_killed or not listed, len(listed))

    def _make_backup(self, name: str, *options: str) -> AttemptsSeen:
        began = clock()
        command = self._command("backup", str(self.target.path), "--keep", "1", *options)
        is_made = command.ended(RESTORED_WITHIN_S) == 0
        self.findings.require(f"the next {name} is made", is_made, "" if is_made else command.said)
        ended = clock()
        (backup,) = self.target.backups()
        self.findings.figure(f"{name}_s", round(ended - began, 1))
        if backup.base:
            self.findings.figure("database_mb", round(backup.base.size_bytes / 1e6, 1))
        self.findings.figure("lake_mb", round(backup.lake_bytes / 1e6, 1))
        return self.clients.attempts.between(began, ended)

    def _figures_of_ingest(self, when: str, seen: AttemptsSeen) -> None:
        self.findings.figure(f"p99_{when}_ms", round(seen.p99_s * 1000, 1))
        self.findings.figure(f"typical_p99_{when}_ms", round(seen.typical_p99_s * 1000, 1))
        self.findings.statuses(seen, {200, 201, 503}, of=f"answers_{when}")

    def _archive_all(self) -> None:
        """What is written by now gets into the target."""
        server = EmbeddedPostgres(self.home)
        with connect(server.upkeep_url()) as connection:
            connection.execute("SELECT txid_current()")
            connection.execute("SELECT pg_switch_wal()")
        give_up = time.monotonic() + ARCHIVED_WITHIN_S
        while waiting_of(server.data / "pg_wal").segments and time.monotonic() < give_up:
            time.sleep(0.05)
        self.findings.require("all WAL gets into the target", not waiting_of(server.data / "pg_wal").segments)
        self.findings.figure("wal_mb", round(size_of(self.target.path / "wal") / 1e6, 1))
        self.findings.figure("target_mb", round(size_of(self.target.path) / 1e6, 1))

    def lose_everything(self) -> None:
        """But the target."""
        self.product.api.kill()
        self.product.postgres.kill()
        shutil.rmtree(self.home)
        (listed,) = overviews(self.target, account_for_home(self.home))
        self.findings.figure("restorable", f"{listed.oldest} .. {listed.newest}")

    def restore_all(self) -> None:
        """To the end of the archive."""
        self.instants.append(Known(datetime.now(UTC), self.instants[-1].versions))
        self._bring_back(self.instants[-1])

    def restore_instants(self) -> None:
        """To each that was noted."""
        for known in self.instants:
            self._bring_back(known, "--at", known.at.isoformat())

    def _bring_back(self, known: Known, *options: str) -> None:
        findings, home = self.findings, self.stage.folder / "restored"
        findings.say(f"restored to {known.at}")
        began = clock()
        command = self._command("restore", str(self.target.path), "--home", str(home), *options)
        is_made = command.ended(RESTORED_WITHIN_S) == 0
        findings.figure("restore_s", round(clock() - began, 1))
        findings.require("the restore ends well", is_made, "" if is_made else command.said)
        server = EmbeddedPostgres(home)
        try:
            self._compare(Fleet(server.ensure_running(), home), known)
        finally:
            server.stop()
            shutil.rmtree(home)

    def _compare(self, fleet: Fleet, known: Known) -> None:
        findings, at = self.findings, known.at.timestamp()
        deliveries = [*self.first_clients.deliveries, *self.clients.deliveries]
        acknowledged = {line for each in deliveries if each.heard_at <= at for line in each.lines}
        sent = {line for each in deliveries if each.sent_at <= at for line in each.lines}
        stored = fleet.sent_since(midnight(datetime.now(UTC).date() - timedelta(days=2)))
        findings.figure("acknowledged_before", len(acknowledged))
        findings.figure("stored", len(stored))
        findings.require("what was acknowledged before is there", acknowledged <= stored, len(acknowledged - stored))
        findings.require("nothing is there that was sent after", stored <= sent, len(stored - sent))
        if known is self.instants[-1]:  # of a full-size day it takes minutes
            self._audit(fleet.url)
        findings.require("the ledger names the same versions", fleet.versions() == known.versions)
        behind_the_backup = {(name, day) for name, day, _, _ in known.versions if day == SMALL_DAYS[-1]}
        damaged = fleet.damaged()
        findings.figure("files_to_be_made_again", len(damaged))
        findings.require("every other file of the lake is there", damaged <= behind_the_backup, len(damaged))
        days = sorted({day for _, day, _, _ in known.versions})
        for day in days:
            fleet.run_again(day)  # what no backup had is made again; the rest must come to the same
        made = fleet.hashes()
        expected = {part: sha256 for part, sha256 in self.hashes.items() if part[1] in days}
        differing = [f"{name} of {day}" for (name, day), sha256 in expected.items() if made.get((name, day)) != sha256]
        findings.none_of("made again, every day comes to the same", differing)

    def _audit(self, url: str) -> None:
        nothing = self.stage.folder / "nothing.tsv"
        nothing.touch()
        found, findings = audit(url, nothing, nothing, self.product.began_at), self.findings
        findings.require("no key is stored twice", found.doubled == 0, found.doubled)
        findings.require("current states are the newest history", found.wrong_states == 0, found.wrong_states)
        findings.require("heap and index agree", found.heap_and_index_differ == 0, found.heap_and_index_differ)

    def _command(self, *words: str) -> Command:
        return Command(words, {"FLEET_HOME": str(self.home)}, self.stage.folder, is_alone=True)
