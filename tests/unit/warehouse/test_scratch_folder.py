"""Folders for the time of a process: removed at its end, and where it was killed, at the next start."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from warehouse import scratch_folder as module
from warehouse.scratch_folder import holding, remove_abandoned, scratch_folder

HOLDER = """
import sys
from warehouse.scratch_folder import scratch_folder
with scratch_folder("test") as folder:
    (folder / "counted.db").touch()
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _own_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, "_JUST_MADE_S", 0.0)


def test_it_is_for_its_owner_alone_and_gone_at_the_end() -> None:
    with scratch_folder("test") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        left = Path(holder.stdout.readline().strip())
        with scratch_folder("test"):
            assert left.exists(), "its process lives"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert (left / "counted.db").exists()
        with scratch_folder("test") as other:
            assert not left.exists()
            assert other.exists()


def test_one_that_was_made_just_now_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_JUST_MADE_S", 60.0)
    new = tmp_path / "fleetwatt-test-new"
    new.mkdir()
    remove_abandoned("fleetwatt-test-")
    assert new.exists()


def test_only_folders_of_this_purpose_and_no_links_are_removed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (tmp_path / "fleetwatt-test-link").symlink_to(elsewhere)
    (tmp_path / "fleetwatt-test-file").touch()
    (tmp_path / "fleetwatt-other-1").mkdir()
    before = sorted(os.listdir(tmp_path))  # noqa: PTH208 - links are not to be followed
    remove_abandoned("fleetwatt-test-")
    assert sorted(os.listdir(tmp_path)) == before  # noqa: PTH208
    assert (elsewhere / "kept").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it is about another account's folder")
def test_another_accounts_folder_stays(tmp_path: Path) -> None:
    other = tmp_path / "fleetwatt-test-other"
    other.mkdir()
    os.chown(other, 65534, 65534)
    remove_abandoned("fleetwatt-test-")
    assert other.exists()


def test_a_folder_that_exists_already_can_be_held(tmp_path: Path) -> None:
    folder = tmp_path / "fleetwatt-test-fixed"
    folder.mkdir()
    with holding(folder):
        remove_abandoned("fleetwatt-test-")
        assert folder.exists()
    assert not folder.exists()
