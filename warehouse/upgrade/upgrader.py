"""The steps of an upgrade. Each says what it does; killed after any of them, the next upgrade goes on from there."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from warehouse.backup.make import BackupMaker, stop_archiving, summary
from warehouse.backup.record import Backup
from warehouse.contract.errors import FleetwattError
from warehouse.counted import counted
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.analyze import analyze_all
from warehouse.postgres.embedded.major_upgrade import upgrade_cluster
from warehouse.postgres.migrate import migrate
from warehouse.settings import FleetSettings
from warehouse.upgrade.counted_rows import count_rows, lost_rows
from warehouse.upgrade.look import Outlook
from warehouse.upgrade.note import UpgradeNote, remove_note, write_note
from warehouse.upgrade.readiness import require_ready

Say = Callable[[str], None]


class LostInUpgradeError(FleetwattError):
    """After the upgrade something is missing"""

    code = "lost_in_upgrade"


@dataclass
class Upgrader:
    """Of one home, or of one's own database. Nobody else works there, or who does may."""

    settings: FleetSettings
    outlook: Outlook
    server: EmbeddedPostgres | None
    """It runs; None: the database is of one's own."""
    url: str
    say: Say
    settle_roles: Callable[[str], None]
    """Has the roles that own nothing have what the new schema lets them do; it is told the owner's URL."""
    _migrates_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """Until then nothing was migrated."""

    def run(self) -> None:
        """Do what the outlook says is to be done. Where it is refused or fails, it says how to go on, or back.

        Raises:
            MajorUpgradeError, BackupTargetError, BackupFailedError: nothing was migrated.
            LostInUpgradeError, DatabaseUnfitError: what was migrated is not as it should be.
        """
        backup = None
        try:
            if self.outlook.pending or self.outlook.earlier:
                note = self._begin()
                if self.outlook.earlier:
                    self._upgrade_server()
                backup = self._back_up()
                self._migrate(note, backup)
            self.settle_roles(self.url)
            open_lake_folder(self.url, self.settings.lake, self.say)
            require_ready(self.url, self.settings)
        except Exception:
            self._say_way_back(backup)
            raise
        self.say("checked: the schema, the server, and the partitions of the coming days")
        remove_note(self.settings.home)

    def _begin(self) -> UpgradeNote:
        """Write down what there is, or take what one that did not come to its end wrote down."""
        note = self.outlook.note
        if note and self.outlook.pending:
            self.say(f"an upgrade that began at {note.began_at:%Y-%m-%d %H:%M}Z is gone on with")
            return note
        self.say("counting all rows, to compare afterwards")
        with connect(self.url) as connection:
            rows = count_rows(connection)
        target = self.outlook.target
        note = UpgradeNote(datetime.now(UTC), self.outlook.schema, rows, str(target.path) if target else None)
        write_note(self.settings.home, note)
        self.say(f"{sum(rows.values()):,} rows in {counted(len(rows), 'table')}")
        return note

    def _upgrade_server(self) -> None:
        """The new server writes another WAL: what was archived stays good, and the next backup begins anew."""
        assert self.server is not None  # noqa: S101 - a database of one's own is not upgraded
        assert self.outlook.earlier is not None  # noqa: S101 - looked at by the caller
        home = self.settings.home
        self.server.stop()
        upgrade_cluster(home, self.outlook.earlier, self.say)
        self.server = EmbeddedPostgres(home)
        stop_archiving(self.server)
        self.url = self.server.ensure_running()
        self.say("the new server runs; gathering what its planner needs to know")
        analyze_all(home, self.server.upkeep_url())

    def _back_up(self) -> Backup | None:
        target = self.outlook.target
        if target is None:
            what = "the database of FLEET_DATABASE_URL, and the lake" if self.settings.names_a_database else "anything"
            self.say(f"NOT backed up: {what}")
            return None
        if self.outlook.fresh:
            return self.outlook.fresh
        maker = BackupMaker(self.settings, self.url, Lake(self.settings.lake), target, self.say)
        made, copied = maker.make()
        self.say(summary(made, copied))
        for key in copied.lost:
            self.say(f"not in it, for it is not what was published: {key}; fleetwatt scrub says what to do")
        if made.base is None:
            self.say(
                "NOT backed up: the database of FLEET_DATABASE_URL; take its own backup, as by pg_dump, before this"
            )
        return made

    def _migrate(self, note: UpgradeNote, backup: Backup | None) -> None:
        if backup and backup.base:  # it can be brought back from the end of a second on
            time.sleep(max(0.0, (backup.base.restorable_from - datetime.now(UTC)).total_seconds()))
        self._migrates_at = datetime.now(UTC)
        applied = migrate(self.url, self.say)
        self.say(f"migrated: {', '.join(applied)}" if applied else "nothing was left to migrate")
        with connect(self.url) as connection:
            lost = lost_rows(note.rows, count_rows(connection))
        if lost:
            raise LostInUpgradeError("; ".join(lost))
        self.say(f"no table has fewer rows than before ({counted(len(note.rows), 'table')})")

    def _say_way_back(self, backup: Backup | None) -> None:
        again = "put right what it says, and begin again: it goes on from there"
        if backup is None or backup.base is None or self.outlook.target is None:
            self.say(f"the upgrade did not come to its end; {again}")
            return
        self.say(
            f"the upgrade did not come to its end; {again}. The way back is the version before, and with that: "
            f"fleetwatt restore {self.outlook.target.path} --home NEW --at {self._migrates_at.isoformat()}"
        )
