"""How a home's backup stands: where it goes, how old the newest one is, and whether the WAL gets there."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from warehouse.backup.target import BackupTarget
from warehouse.counted import counted
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.wal.archive import Waiting, WalTrouble, waiting_of
from warehouse.postgres.wal.segments import SEGMENT_BYTES

PATIENCE = timedelta(minutes=5)
"""A share that is away for moments is nobody's business: its WAL waits."""


@dataclass(frozen=True)
class BackupStanding:
    """Of a home whose WAL is archived."""

    target: Path
    newest_at: datetime | None
    """When the newest backup in the target began; None: there is none, or the target is not there."""
    waiting: Waiting
    failure: WalTrouble | None
    gap: WalTrouble | None

    @property
    def is_well(self) -> bool:
        """Whether all that changes gets into the target."""
        return self.newest_at is not None and self.gap is None and self.failure is None and not self.is_stuck()

    def is_stuck(self, now: datetime | None = None) -> bool:
        """Whether something has waited for longer than one looks away."""
        since = self.waiting.since
        return since is not None and (now or datetime.now(UTC)) - since > PATIENCE

    @property
    def words(self) -> str:
        """In a sentence."""
        if self.gap:
            return (
                f"the WAL is not archived since {_shown(self.gap.since)}, for the disk was nearly full of it: "
                f"{self.gap.why}; put that right, then fleetwatt backup {self.target} begins anew"
            )
        if self.failure:
            return (
                f"{self._waiting} since {_shown(self.failure.since)}: {self.failure.why}; nothing is lost, it goes on "
                f"when that is put right"
            )
        if self.newest_at is None:
            return f"there is no backup in {self.target}, or it is not there; {self._waiting}"
        said = f"the newest one in {self.target} is of {_shown(self.newest_at)}"
        since = self.waiting.since
        return (
            f"{said}; {self._waiting} since {_shown(since)}, the server's log says why"
            if self.is_stuck() and since
            else said
        )

    @property
    def _waiting(self) -> str:
        segments = self.waiting.segments
        many = counted(segments, "segment of the WAL waits", "segments of the WAL wait")
        return f"{many} ({segments * SEGMENT_BYTES >> 20} MiB)"


def standing_of(server: EmbeddedPostgres) -> BackupStanding | None:
    """How it stands now; None: no backup was ever begun, or it was stopped."""
    state = server.wal_archive
    archive = state.read()
    if archive is None:
        return None
    target = archive.targets[0]
    try:
        own = [each for each in BackupTarget(target).backups() if each.base and each.base.wal_archive == archive.id]
    except OSError:
        own = []
    return BackupStanding(
        target=target,
        newest_at=own[-1].began_at if own else None,
        waiting=waiting_of(server.data / "pg_wal"),
        failure=state.failure,
        gap=state.gap,
    )


def _shown(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
