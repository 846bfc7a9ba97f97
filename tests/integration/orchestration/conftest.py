"""The command line through its entry point, in this process; and a Dagster without a database."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pytest

from orchestration.cli.main import main


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Fleetwatt = Callable[..., Ended]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """It remembers runs and events for as long as the test takes."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def fleetwatt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run a command as the entry point does, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr("sys.argv", ["fleetwatt", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(code, *capsys.readouterr())

    return run
