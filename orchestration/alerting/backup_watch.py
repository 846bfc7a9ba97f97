"""Tells people when the WAL does not get into the backup's target for a while: once, and when it does again."""

import threading
import time
from datetime import UTC, datetime

from orchestration.alerting.alerts import deliver, tell
from orchestration.alerting.channels import channels_of
from warehouse.alerts.message import Message
from warehouse.backup.standing import BackupStanding, standing_of
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.settings import FleetSettings

_LOOK_EVERY_S = 10.0


class BackupWatch:
    """Looks at a home's backup in a thread of its own, which ends with the process."""

    def __init__(self, settings: FleetSettings) -> None:
        self._settings = settings
        self._was_told = False

    def begin(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._look_forever, name="backup-watch", daemon=True).start()

    def look(self, standing: BackupStanding | None, now: datetime) -> None:
        """Tell what has changed since the last look."""
        is_in_trouble = standing is not None and _is_in_trouble(standing, now)
        if standing is None or is_in_trouble == self._was_told:
            return
        self._was_told = is_in_trouble
        text = f"backup: {standing.words}" if is_in_trouble else f"backup: all is well again; {standing.words}"
        tell(text)
        said = {"target": str(standing.target), "isWell": not is_in_trouble}
        title = "Fleetwatt: the backup is in trouble" if is_in_trouble else "Fleetwatt: the backup is well again"
        deliver(Message("backup.state", title, text, said), channels_of(self._settings), tell)

    def _look_forever(self) -> None:
        while True:
            self.look(standing_of(EmbeddedPostgres(self._settings.home)), datetime.now(UTC))
            time.sleep(_LOOK_EVERY_S)


def _is_in_trouble(standing: BackupStanding, now: datetime) -> bool:
    """The archive is given up, or stuck for longer than one looks away."""
    return standing.gap is not None or standing.is_stuck(now)
