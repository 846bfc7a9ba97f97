"""A disk that is full, or may only be read, for a while: readers see the last build, the next run ends the day."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.factories import meter_payload, ramp
from tests.integration.lake.copied_days import charged_day, copy_of
from tests.integration.lake.stored import post
from warehouse.contract.partitions import midnight
from warehouse.lake.checked_files import damaged_files
from warehouse.lake.lake_readme import LakeNotExplainedError
from warehouse.lake.snapshot import Snapshot, current_snapshot, manifest_snapshot, released_snapshot
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.pipeline_files import LakeFullError
from warehouse.postgres.connection import connect

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")

DAY = datetime.now(UTC).date() - timedelta(days=5)
AT = midnight(DAY) + timedelta(hours=10)
AMPLE = "64m"
PLACES = 16
"""How many times the disk is full, spread evenly over what a run of the day writes."""


@pytest.fixture(scope="module")
def done(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DailyPipeline]:
    """A day of one pair that charges for an hour, built and released."""
    with charged_day(server_url, template, tmp_path_factory.mktemp("done"), DAY) as pipeline:
        yield pipeline


def come_late(connection: psycopg.Connection) -> None:
    post(connection, ramp(meter_payload, "kwhConsumedAc", AT + timedelta(hours=1), 1, 106.5, 0.1))


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own, with room until ``limit`` says otherwise."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={AMPLE},mode=755", "tmpfs", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.decode()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def limit(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


def hashes(snapshot: Snapshot) -> dict[str, str]:
    """Of all that is the same each time: what tells of releases and of late readings says when they were."""
    return {
        file.dataset: hashlib.sha256(Path(snapshot.lake.location(file)).read_bytes()).hexdigest()
        for file in snapshot.select(snapshot.files, None)
        if file.dataset not in ("restatements", "late_readings")
    }


def assert_whole(pipeline: DailyPipeline, connection: psycopg.Connection, wanted: dict[str, str]) -> None:
    """The day is built and released, the lake says so itself, and nothing is left over."""
    released = released_snapshot(connection, pipeline.lake)
    assert hashes(released) == hashes(current_snapshot(connection, pipeline.lake)) == wanted
    assert manifest_snapshot(pipeline.lake) == released
    assert [path for path in pipeline.lake.root.glob(".*") if path.is_file()] == []
    assert [path for path in pipeline.lake.root.glob(".aside/*") if path.is_file()] == []


def test_a_lake_that_may_only_be_read_is_read_and_says_so_to_who_writes(
    server_url: str, done: DailyPipeline, tmp_path: Path
) -> None:
    with (
        small_disk(tmp_path / "disk") as disk,
        copy_of(done, server_url, disk) as pipeline,
        connect(pipeline.url) as connection,
    ):
        come_late(connection)
        seen = released_snapshot(connection, pipeline.lake)
        limit(disk, "ro")
        with pytest.raises(LakeFullError, match=r"Read-only file system.*put that right and run the day again"):
            pipeline.run(DAY)
        assert damaged_files(pipeline.lake, seen.select(seen.files, None)) == []
        assert released_snapshot(connection, pipeline.lake) == seen
        limit(disk, "rw")
        pipeline.run(DAY)
        assert_whole(pipeline, connection, hashes(released_snapshot(connection, pipeline.lake)))


@pytest.mark.long
def test_wherever_the_disk_is_full_readers_see_the_last_build_and_the_next_run_ends_it(
    server_url: str, done: DailyPipeline, tmp_path: Path
) -> None:
    with (
        small_disk(tmp_path / "ample") as disk,
        copy_of(done, server_url, disk) as pipeline,
        connect(pipeline.url) as connection,
    ):
        before = hashes(released_snapshot(connection, pipeline.lake))
        come_late(connection)
        used = shutil.disk_usage(disk).used
        pipeline.run(DAY)
        written = shutil.disk_usage(disk).used - used
        wanted = hashes(released_snapshot(connection, pipeline.lake))
    assert wanted != before
    for place in range(PLACES):
        with (
            small_disk(tmp_path / f"disk-{place}") as disk,
            copy_of(done, server_url, disk) as pipeline,
            connect(pipeline.url) as connection,
        ):
            come_late(connection)
            limit(disk, f"size={shutil.disk_usage(disk).used + written * place // PLACES}")
            with pytest.raises((LakeFullError, LakeNotExplainedError)) as failed:
                pipeline.run(DAY)
            released = released_snapshot(connection, pipeline.lake)
            described = manifest_snapshot(pipeline.lake)
            assert hashes(released) == (before if failed.type is LakeFullError else wanted), place
            assert damaged_files(pipeline.lake, released.select(released.files, None)) == []
            assert damaged_files(pipeline.lake, described.select(described.files, None)) == []
            limit(disk, f"size={AMPLE}")
            pipeline.run(DAY)
            assert_whole(pipeline, connection, wanted)
