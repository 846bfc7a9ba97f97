"""How the server's process begins where it cannot."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest_api.__main__ import main


@pytest.fixture(autouse=True)
def own_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It reads no settings of the folder that the tests are run in, and the process of the tests ends as before."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_secret_that_cannot_be_read_is_one_line_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fleet_admin_token").write_bytes(b"\xff\xfe")
    monkeypatch.setattr("warehouse.settings.SECRETS", tmp_path)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "admin_token" in line
    assert "invalid start byte" in line


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("FLEET_WORKERS", "abc", "valid integer"),
        ("FLEET_WORKERS", "0", "greater than or equal to 1"),
        ("FLEET_MAX_BODY_BYTES", "much", "could not parse"),
        ("FLEET_DATABASE_URL", "", "may not be empty"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: str, value: str, words: str
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", "postgresql://fleet:s3cret@127.0.0.1:1/x")
    monkeypatch.setenv(setting, value)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith(f"{setting}: ")
    assert words in line
    assert "s3cret" not in said.out + said.err
