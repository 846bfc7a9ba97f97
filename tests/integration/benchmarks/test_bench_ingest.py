"""``make bench-ingest`` in small: it measures everything, tells it in the shape that is read, and leaves nothing."""

from pathlib import Path

import pytest

from tests.integration.benchmarks.running import bench, told

ALL_FIGURES = {
    "single_64_vs_noop",
    "single_64_vs_naive",
    "single_64_p99",
    "single_512_vs_noop",
    "single_512_vs_naive",
    "single_512_p99",
    "single_512_two_workers_vs_noop",
    "tokens_64_one_vs_open",
    "tokens_64_each_vs_open",
    "tokens_512_one_vs_open",
    "tokens_512_each_vs_open",
    "tokens_memory",
    "bulk_vs_copy",
    "bulk_backlog_vs_copy",
    "stream_vs_copy",
    "stream_memory_growth",
    "burst_stored_within",
    "burst_own_connections_stored_within",
    "burst_refused",
    "hour_written_within",
    "hour_looked_at_again_within",
    "hour_disk",
    "fleet_24_hours_at_once_p50",
    "fleet_24_hours_at_once_p99",
    "fleet_168_hours_at_once_p50",
    "fleet_24_hours_first_of_an_hour_longest",
    "fleet_24_hours_again_p50",
    "fleet_24_hours_again_p99",
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


@pytest.mark.long
def test_every_figure_is_told_as_json_and_in_the_table(folder: Path, tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    run = bench("tests.benchmarks", "--quick", "--json", str(record), folder=folder)
    assert run.returncode == 0, run.stderr
    assert told(run) == ALL_FIGURES
    assert list(folder.iterdir()) == []
    printed = [line for line in run.stdout.splitlines() if line.startswith("{")]
    assert record.read_text(encoding="utf-8").splitlines()[1:] == printed


def test_an_unknown_name_is_refused(folder: Path) -> None:
    run = bench("tests.benchmarks", "nosuch", folder=folder)
    assert run.returncode == 2
    assert "nosuch" in run.stderr
    assert run.stdout == ""
