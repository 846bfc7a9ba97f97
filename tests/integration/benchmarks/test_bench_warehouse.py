"""``make bench-warehouse`` in small: it measures, tells it in the shape that is read, and leaves nothing.

Without the names that start the platform again and again: they take minutes in small too, and
``make bench-warehouse ARGS=--quick`` runs them.
"""

from pathlib import Path

import pytest

from tests.integration.benchmarks.running import bench, told

FIGURES = {
    "seal_full_day",
    "export_meters_vs_copy",
    "export_vehicles_vs_copy",
    "export_peak_memory",
    "heap_vs_parquet",
    "export_that_stands",
    "hourly_energy_vs_scan",
    "hourly_energy_peak_memory",
    "hourly_energy_all_by_rule_vs_scan",
    "hourly_energy_all_by_rule_peak_memory",
    "sessions_of_a_day",
    "sessions_of_a_day_peak_memory",
    "models_and_checks",
    "models_and_checks_peak_memory",
    "lake_of_a_day",
    "day_built_again",
    "seven_days_of_versions",
    "rollup_in_postgres_max_minus_min_vs_ours",
    "rollup_in_postgres_step_by_step_vs_ours",
    "vehicle_3_days_of_rollups",
    "vehicle_3_days_of_readings",
    "open_lake_of_3_days",
}
NAMES = ("export", "energy", "sessions", "models", "versions", "postgres", "vehicle")


@pytest.mark.long
def test_every_figure_is_told_as_json_and_in_the_table(folder: Path, tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    run = bench("tests.benchmarks.warehouse", "--quick", *NAMES, "--json", str(record), folder=folder)
    assert run.returncode == 0, run.stderr
    assert told(run) == FIGURES
    assert list(folder.iterdir()) == []
    printed = [line for line in run.stdout.splitlines() if line.startswith("{")]
    assert record.read_text(encoding="utf-8").splitlines()[1:] == printed


@pytest.mark.long  # the command is that of test_bench_ingest; only to import what it measures takes seconds
def test_an_unknown_name_is_refused(folder: Path) -> None:
    run = bench("tests.benchmarks.warehouse", "nosuch", folder=folder)
    assert run.returncode == 2
    assert "nosuch" in run.stderr
    assert run.stdout == ""
