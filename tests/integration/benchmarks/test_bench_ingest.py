"""``make bench-ingest`` in small: it measures everything, tells it in the shape that is read, and leaves nothing."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
ALL_FIGURES = {
    "single_64_vs_noop",
    "single_64_vs_naive",
    "single_64_p99",
    "single_512_vs_noop",
    "single_512_vs_naive",
    "single_512_p99",
    "single_512_two_workers_vs_noop",
    "bulk_vs_copy",
    "bulk_backlog_vs_copy",
    "stream_vs_copy",
    "stream_memory_growth",
    "burst_stored_within",
    "burst_own_connections_stored_within",
    "burst_refused",
    "query_fresh_p50",
    "query_fresh_p99",
    "query_fresh_heap_fetches",
    "query_shared_buffers",
    "query_heap_fetches",
    "query_p50",
    "query_p99",
    "query_p50_30_days_vs_1_day",
    "disk_bytes_a_reading_of_an_open_day",
    "disk_bytes_a_reading_of_a_closed_day",
    "disk_packing_a_day",
}


def bench(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the benchmarks as `make bench-ingest` does."""
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--folder", folder, *arguments],
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if not name.startswith("FLEET_")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own folder: that one is closed to the account a server must run under when root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="fleetwatt-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_every_figure_is_told_as_json_and_in_the_table(folder: Path) -> None:
    run = bench("--quick", folder=folder)
    assert run.returncode == 0, run.stderr
    figures = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert {figure["name"] for figure in figures} == ALL_FIGURES
    assert len(figures) == len(ALL_FIGURES)
    for figure in figures:
        assert list(figure) == ["name", "value", "unit", "baseline", "ratio"]
        assert isinstance(figure["value"], int | float)
        assert (figure["baseline"] is None) == (figure["ratio"] is None)
    table = [line.split("|")[1].strip() for line in run.stdout.splitlines() if line.startswith("|")]
    assert set(table[2:]) == ALL_FIGURES
    assert list(folder.iterdir()) == []


def test_an_unknown_name_is_refused(folder: Path) -> None:
    run = bench("nosuch", folder=folder)
    assert run.returncode == 2
    assert "nosuch" in run.stderr
    assert run.stdout == ""
