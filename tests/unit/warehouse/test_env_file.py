"""The ``.env`` of the folder a command runs in: whose it may be, and how it may be written."""

import os
from pathlib import Path

import pytest

from warehouse.env_file import EnvFileError, env_file
from warehouse.settings import FleetSettings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """It is there, and sets a port."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".env"
    path.write_text("FLEET_PORT=3100\n")
    return path


def test_ours_is_read_and_named(file: Path) -> None:
    assert env_file() == file
    assert FleetSettings().port == 3100


def test_without_one_nothing_is_missed(file: Path) -> None:
    file.unlink()
    assert env_file() is None
    file.mkdir()  # a virtual environment may be called so
    assert env_file() is None
    assert FleetSettings().port == 3000


def test_a_byte_order_mark_is_skipped(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfFLEET_PORT=3100\r\n")
    assert FleetSettings().port == 3100


@pytest.mark.parametrize("text", ["FLEET_HOME=/home/müller\n".encode("latin-1"), "FLEET_PORT=1\n".encode("utf-16")])
def test_one_in_another_encoding_is_refused_in_a_sentence(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    with pytest.raises(EnvFileError, match=r"\.env is not written in UTF-8 \(byte \d+\)"):
        FleetSettings()


def test_a_pipe_is_not_waited_for(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(EnvFileError, match="is a pipe"):
        FleetSettings()


def test_one_that_everybody_can_write_is_refused(file: Path) -> None:
    file.chmod(0o646)
    with pytest.raises(EnvFileError, match="can be written by every user"):
        FleetSettings()
    file.chmod(0o664)
    assert FleetSettings().port == 3100


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file of somebody else's")
def test_one_of_another_user_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    os.chown(file, 12345, 12345)
    with pytest.raises(EnvFileError, match="belongs to another user"):
        FleetSettings()
    monkeypatch.setenv("SUDO_UID", "12345")
    assert FleetSettings().port == 3100, "the user's own, by sudo"
