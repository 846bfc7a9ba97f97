"""Who is told that the backup's target is away, and how often."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.alerting.alerts import MARK
from orchestration.alerting.backup_watch import BackupWatch
from tests.integration.orchestration.conftest import Webhook
from warehouse.backup.standing import BackupStanding
from warehouse.postgres.wal.archive import Waiting, WalTrouble
from warehouse.settings import FleetSettings

NOW = datetime(2026, 2, 8, 12, tzinfo=UTC)
WELL = BackupStanding(Path("/mnt/backup"), NOW - timedelta(hours=9), Waiting(0, None), None, None)
AWAY = replace(WELL, waiting=Waiting(7, NOW), failure=WalTrouble(NOW, "A", "/mnt/backup is not there"))
GIVEN_UP = replace(AWAY, gap=WalTrouble(NOW, "A", "/mnt/backup is not there"))


def test_a_target_that_stays_away_is_told_once_and_so_is_its_return(
    tmp_path: Path, webhook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = BackupWatch(FleetSettings(_env_file=None, home=tmp_path, alert_webhook=webhook.url))
    told = []
    for minutes, standing in (
        (0, None),
        (0, WELL),
        (1, AWAY),
        (6, AWAY),
        (7, AWAY),
        (8, WELL),
        (9, WELL),
        (10, GIVEN_UP),
    ):
        watch.look(standing, NOW + timedelta(minutes=minutes))
        told.append(capsys.readouterr().err.removeprefix(MARK).strip())
    assert [number for number, text in enumerate(told) if text] == [3, 5, 7]
    assert told[3].startswith(
        "backup: 7 segments of the WAL wait (112 MiB) since 2026-02-08 12:00Z: /mnt/backup is not"
    )
    assert told[5] == "backup: all is well again; the newest one in /mnt/backup is of 2026-02-08 03:00Z"
    assert "the WAL is not archived since 2026-02-08 12:00Z" in told[7]
    assert [str(posted["isWell"]) for posted in webhook.taken] == ["False", "True", "False"]
