"""How a home's backup stands: where it goes, how old the newest one is, and whether the WAL gets there."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from warehouse.backup.target import BackupTarget
from warehouse.counted import counted
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.wal.archive import WalTrouble, waiting_segments
from warehouse.postgres.wal.segments import SEGMENT_BYTES

_WAITING_IS_ORDINARY = 4
"""Segments: under load some are on their way."""


@dataclass(frozen=True)
class BackupStanding:
    """Of a home whose WAL is archived."""

    target: Path
    newest_at: datetime | None
    """When the newest backup in the target began; None: there is none, or the target is not there."""
    waiting_segments: int
    waiting_bytes: int
    failure: WalTrouble | None
    gap: WalTrouble | None

    @property
    def is_well(self) -> bool:
        """Whether all that changes gets into the target."""
        return self.gap is None and self.failure is None and self.newest_at is not None

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
        return f"{said}; {self._waiting}" if self.waiting_segments > _WAITING_IS_ORDINARY else said

    @property
    def _waiting(self) -> str:
        many = counted(self.waiting_segments, "segment of the WAL waits", "segments of the WAL wait")
        return f"{many} ({self.waiting_bytes >> 20} MiB)"


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
    waiting = waiting_segments(server.data / "pg_wal")
    return BackupStanding(
        target=target,
        newest_at=own[-1].began_at if own else None,
        waiting_segments=waiting,
        waiting_bytes=waiting * SEGMENT_BYTES,
        failure=state.failure,
        gap=state.gap,
    )


def _shown(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
