"""Who is told of a disk that fills, and how often."""

from pathlib import Path

import pytest

from orchestration.alerting.alerts import MARK
from orchestration.alerting.disk_watch import DiskWatch
from orchestration.home.folder import disks
from tests.integration.orchestration.conftest import Webhook
from warehouse.disk import Disk, disk_of
from warehouse.settings import FleetSettings

GB = 10**9


def settings(home: Path, **others: object) -> FleetSettings:
    return FleetSettings(_env_file=None, home=home, **others)


def used(folder: Path, ratio: float) -> Disk:
    return Disk(folder, 100 * GB, round((1 - ratio) * 100 * GB))


def test_each_watermark_is_told_once_and_so_is_room(
    tmp_path: Path, webhook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = DiskWatch(settings(tmp_path, alert_webhook=webhook.url))
    told = []
    for ratio in (0.5, 0.849, 0.851, 0.9, 0.849, 0.86, 0.951, 0.99, 0.949, 0.96, 0.93, 0.2):
        watch.look([used(tmp_path, ratio)])
        told.append(capsys.readouterr().err.removeprefix(MARK).strip())
    assert [number for number, text in enumerate(told) if text] == [2, 6, 10, 11]
    assert told[2] == f"the disk of {tmp_path} is 85% full, 14.9 GB are free: make room"
    assert "95% full, 4.9 GB are free: soon nothing can be stored" in told[6]
    assert "there is room again" in told[11]
    assert [posted["level"] for posted in webhook.taken] == ["low", "critical", "low", "ok"]
    assert [posted["text"] for posted in webhook.taken] == [text for text in told if text]


def test_a_disk_that_was_full_before_the_start_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    DiskWatch(settings(tmp_path)).look([used(tmp_path, 0.97)])
    assert "97% full" in capsys.readouterr().err


def test_the_watermarks_can_be_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watch = DiskWatch(settings(tmp_path, disk_low_ratio=0.5, disk_critical_ratio=0.6))
    for ratio in (0.51, 0.61):
        watch.look([used(tmp_path, ratio)])
        assert MARK in capsys.readouterr().err


def test_a_home_on_one_disk_is_one_disk_there_or_not_yet(tmp_path: Path) -> None:
    for home in (tmp_path, tmp_path / "not" / "yet"):
        (disk,) = disks(settings(home))
        assert disk.folder == home
        assert 0 < disk.used_ratio < 1
        assert 0 < disk.free_bytes < disk.size_bytes
    assert disk_of(tmp_path).size_bytes == disk_of(tmp_path / "missing").size_bytes
