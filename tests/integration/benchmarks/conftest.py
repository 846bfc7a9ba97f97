"""Where a bench makes its temporary folder."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own folder: that one is closed to the account a server must run under when root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="fleetwatt-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
