"""``make bench-warehouse`` in small: it measures everything, tells it in the shape that is read, and leaves nothing."""

from pathlib import Path

from tests.integration.benchmarks.running import bench, told

ALL_FIGURES = {
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
    "models_and_checks",
    "models_and_checks_peak_memory",
    "rollup_in_postgres_max_minus_min_vs_ours",
    "rollup_in_postgres_step_by_step_vs_ours",
    "vehicle_3_days_of_rollups",
    "vehicle_3_days_of_readings",
    "open_lake_of_3_days",
    "day_through_dagster",
    "day_through_dagster_run",
    "day_through_dagster_peak_memory",
    "ingest_p99_while_a_day_is_run",
    "ingest_worst_while_a_day_is_run",
    "day_under_load",
    "cost_a_day_of_2_days_with_10_devices",
    "dagster_run_overhead",
    "dagster_run_of_a_tiny_day",
    "backfill_3_tiny_days_as_runs_vs_one_process",
    "look_at_a_year_with_nothing_to_do",
    "hourly_readings_of_200_devices_whole_day",
    "hourly_readings_of_200_devices_models_and_checks",
    "hourly_readings_of_200_devices_peak_memory",
    "up_to_both_pages",
    "up_peak_memory",
}


def test_every_figure_is_told_as_json_and_in_the_table(folder: Path) -> None:
    run = bench("tests.benchmarks.warehouse", "--quick", folder=folder)
    assert run.returncode == 0, run.stderr
    assert told(run) == ALL_FIGURES
    assert list(folder.iterdir()) == []


def test_an_unknown_name_is_refused(folder: Path) -> None:
    run = bench("tests.benchmarks.warehouse", "nosuch", folder=folder)
    assert run.returncode == 2
    assert "nosuch" in run.stderr
    assert run.stdout == ""
