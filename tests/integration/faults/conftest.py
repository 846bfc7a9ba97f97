"""What the small versions of ``make faults`` work with."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.scenario import QUICK, Stage
from tests.faults.verdict import Findings


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A small stage of this test's own."""
    # Not pytest's own folder: that one is closed to the account a server must run under when root runs the tests.
    folder = Path(tempfile.mkdtemp(prefix="fleetwatt-faults-"))
    folder.chmod(0o755)
    try:
        yield Stage(folder, QUICK, Findings("smoke"), seed=1)
    finally:
        shutil.rmtree(folder)
