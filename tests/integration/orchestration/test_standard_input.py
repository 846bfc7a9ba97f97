"""Readings that are piped into ``fleetwatt import``, and what a shell makes of its command line."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.factories import meter_payload, vehicle_payload
from tests.integration.orchestration.conftest import Fleetwatt


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A file with a reading of each stream."""
    file = tmp_path / "good.ndjson"
    file.write_text("".join(f"{json.dumps(each)}\n" for each in (meter_payload(), vehicle_payload())))
    return file


def test_what_comes_by_standard_input_is_read(
    fleetwatt: Fleetwatt, good: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    inputs = [
        ("-", piped(good.read_bytes()), 0, (2, 0)),
        ("/dev/stdin", piped(good.read_bytes()), 0, (0, 2)),
        ("-", good.open("rb"), 0, (0, 2)),
        ("-", piped(gzip.compress(good.read_bytes())), 0, (0, 2)),
        ("-", piped(b""), 1, (0, 0)),
        ("-", Path(os.devnull).open("rb"), 1, (0, 0)),  # noqa: SIM115 - closed below
    ]
    for number, (name, source, code, stored) in enumerate(inputs):
        with source, as_standard_input(source):
            ended = fleetwatt("import", "--json", name)
        (report,) = json.loads(ended.out)
        assert (ended.code, report["accepted"], report["duplicates"]) == (code, *stored), (number, ended)


def piped(content: bytes) -> BinaryIO:
    """The reading end of a pipe that holds this and is at its end; it has room for a few thousand bytes."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as end:
        end.write(content)
    return os.fdopen(reading, "rb")


@contextmanager
def as_standard_input(source: BinaryIO) -> Iterator[None]:
    """This process reads it where others would read what is typed."""
    before = os.dup(0)
    try:
        os.dup2(source.fileno(), 0)
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def test_what_a_shell_hands_over_is_read(good: Path, database_url: str, tmp_path: Path) -> None:
    environment = {"FLEET_DATABASE_URL": database_url, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    commands = {f"cat {good} | fleetwatt import --json <(cat {good}) -": 0, "fleetwatt import --json - <&-": 1}
    for command, code in commands.items():
        ended = subprocess.run(
            ["bash", "-c", command], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, "Traceback" in ended.stderr) == (code, False), (command, ended.stderr)
        stored = [(report["accepted"], report["duplicates"]) for report in json.loads(ended.stdout)]
        assert stored == ([(0, 0)] if code else [(2, 0), (0, 2)]), command
