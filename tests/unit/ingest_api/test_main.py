"""How the server's process begins where it cannot."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest_api.__main__ import main


@pytest.fixture(autouse=True)
def own_sigterm() -> Iterator[None]:
    """The process of the tests ends as it did before."""
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
