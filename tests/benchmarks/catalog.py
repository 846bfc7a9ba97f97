"""What each figure is: its words, what its baseline is, and the bar that it is held to. The only place that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal


@dataclass(frozen=True)
class Bar:
    """What a figure must reach, and what would be better still; ``of`` says which of its numbers has to."""

    of: Literal["ratio", "value"]
    limit: float
    stretch: float
    lower_is_better: bool = False

    def verdict(self, reached: float) -> str:
        """``stretch``, ``bar`` or ``missed``."""
        for limit, verdict in ((self.stretch, "stretch"), (self.limit, "bar")):
            if (reached <= limit) if self.lower_is_better else (reached >= limit):
                return verdict
        return "missed"

    def __str__(self) -> str:
        """As the table shows it."""
        sign = "<=" if self.lower_is_better else ">="
        return f"{self.of} {sign} {self.limit:g} ({self.stretch:g})"


def at_least(limit: float, stretch: float) -> Bar:
    """Of a ratio to the baseline."""
    return Bar("ratio", limit, stretch)


def at_most(limit: float, stretch: float) -> Bar:
    """Of the value, in the figure's unit."""
    return Bar("value", limit, stretch, lower_is_better=True)


def at_most_times(limit: float, stretch: float) -> Bar:
    """Of the ratio to the baseline."""
    return Bar("ratio", limit, stretch, lower_is_better=True)


@dataclass(frozen=True)
class Kind:
    """What a figure says. ``baseline`` is what it is measured against, in the same run and unit."""

    says: str
    baseline: str = ""
    bar: Bar | None = None


NOOP = "no-op on the same server"
NAIVE = "the usual FastAPI tier"
COPY = "one binary COPY"
OPEN = "without auth"

INGEST: Mapping[str, Kind] = {
    "single_64_vs_noop": Kind("one reading a POST, 64 connections", NOOP, at_least(0.45, 0.60)),
    "single_64_vs_naive": Kind("one reading a POST, 64 connections", NAIVE, at_least(10, 15)),
    "single_64_p99": Kind("how late its answers are", NAIVE, at_most(12, 8)),
    "single_512_vs_noop": Kind("one reading a POST, 512 connections", NOOP, at_least(0.55, 0.70)),
    "single_512_vs_naive": Kind("one reading a POST, 512 connections", NAIVE, at_least(10, 15)),
    "single_512_p99": Kind("how late its answers are", NAIVE),
    "single_512_two_workers_vs_noop": Kind("one reading a POST, with two workers", NOOP, at_least(0.8, 0.9)),
    "tokens_64_one_vs_open": Kind("one reading a POST, all with one token, 64 connections", OPEN, at_least(0.9, 0.95)),
    "tokens_64_each_vs_open": Kind("each device with a token of its own, 64 connections", OPEN, at_least(0.9, 0.95)),
    "tokens_512_one_vs_open": Kind(
        "one reading a POST, all with one token, 512 connections", OPEN, at_least(0.9, 0.95)
    ),
    "tokens_512_each_vs_open": Kind("each device with a token of its own, 512 connections", OPEN, at_least(0.9, 0.95)),
    "tokens_memory": Kind("what 100,000 tokens, each of a device, take of a worker", bar=at_most(60, 45)),
    "bulk_vs_copy": Kind("arrays of 1,000, 2 connections", COPY, at_least(0.35, 0.5)),
    "bulk_backlog_vs_copy": Kind("arrays with 50 readings of each device", COPY, at_least(0.35, 0.5)),
    "stream_vs_copy": Kind("a million lines in one body", COPY, at_least(0.3, 0.45)),
    "stream_memory_growth": Kind("of the process, while such a body is read", bar=at_most(100, 50)),
    "burst_stored_within": Kind("20,000 readings at the full minute", NOOP, at_most(2, 1)),
    "burst_own_connections_stored_within": Kind("20,000 readings, a connection each", NOOP, at_most(2, 1)),
    "burst_refused": Kind("of these readings", bar=at_most(0, 0)),
    "hour_written_within": Kind("an hour of 20,000 devices"),
    "hour_looked_at_again_within": Kind("an hour that is as it was written"),
    "hour_disk": Kind("the hours of 20,000 devices"),
    "fleet_24_hours_at_once_p50": Kind("10,000 vehicles, within the ten seconds until the API looks"),
    "fleet_24_hours_at_once_p99": Kind("10,000 vehicles, within the ten seconds until the API looks"),
    "fleet_168_hours_at_once_p50": Kind("the same question of a week"),
    "fleet_24_hours_first_of_an_hour_longest": Kind(
        "the first answer after an hour was written and looked at", bar=at_most(100, 50)
    ),
    "fleet_24_hours_again_p50": Kind("from then on"),
    "fleet_24_hours_again_p99": Kind("from then on", bar=at_most(100, 50)),
    "query_fresh_p50": Kind("a vehicle's last 24 h, of the day that is written at that moment"),
    "query_fresh_p99": Kind("a vehicle's last 24 h, of the day that is written at that moment", bar=at_most(50, 20)),
    "query_fresh_heap_fetches": Kind("a vehicle's last 24 h, of the day that is written at that moment"),
    "query_shared_buffers": Kind("a vehicle's last 24 h in a day of 28.8 million readings", bar=at_most(100, 86)),
    "query_heap_fetches": Kind("a vehicle's last 24 h in a day of 28.8 million readings", bar=at_most(0, 0)),
    "query_p50": Kind("a vehicle's last 24 h in a day of 28.8 million readings"),
    "query_p99": Kind("a vehicle's last 24 h in a day of 28.8 million readings", bar=at_most(10, 5)),
    "query_p50_30_days_vs_1_day": Kind("with 30 days of history", "one day", at_most_times(1.1, 1.0)),
    "disk_bytes_a_reading_of_an_open_day": Kind("heap and index"),
    "disk_bytes_a_reading_of_a_closed_day": Kind("with its indexes rebuilt", "the open day", at_most(120, 100)),
    "disk_packing_a_day": Kind("how long that takes"),
}
"""By name, in the order of the page. ``*`` is any size."""

WAREHOUSE: Mapping[str, Kind] = {
    "day_through_dagster": Kind(
        'from the end of the grace to "built" in the ledger, all of it by the daemon', bar=at_most(120, 60)
    ),
    "day_through_dagster_run": Kind("of which the run"),
    "day_through_dagster_peak_memory": Kind("of all processes of Dagster"),
    "seal_full_day": Kind("both partitions vacuumed"),
    "export_meters_vs_copy": Kind("sorted, verified, published", "`COPY TO STDOUT` into psql", at_most_times(2.0, 1.5)),
    "export_vehicles_vs_copy": Kind(
        "sorted, verified, published", "`COPY TO STDOUT` into psql", at_most_times(2.0, 1.5)
    ),
    "export_that_stands": Kind("its hash is compared", "the export"),
    "export_peak_memory": Kind("of one process", bar=at_most(1200, 800)),
    "heap_vs_parquet": Kind("on disk", "the Parquet files", at_least(12, 20)),
    "ingest_p99_while_a_day_is_run": Kind("333 readings a second", "undisturbed", at_most_times(3, 2)),
    "ingest_worst_while_a_day_is_run": Kind("the slowest answer"),
    "day_under_load": Kind('that day, from seal to "done"'),
    "hourly_energy_vs_scan": Kind("the energy rule over both streams", "scan and group-by", at_most_times(5, 3)),
    "hourly_energy_peak_memory": Kind("the energy rule over both streams", "scan and group-by"),
    "hourly_energy_all_by_rule_vs_scan": Kind("every register steps back once", "scan and group-by"),
    "hourly_energy_all_by_rule_peak_memory": Kind("every register steps back once", "scan and group-by"),
    "sessions_of_a_day": Kind("sessions and standby of 10,000 pairs, one process", bar=at_most(10, 5)),
    "sessions_of_a_day_peak_memory": Kind("of that process", bar=at_most(1000, 700)),
    "models_and_checks": Kind("all that comes after the exports, one process", bar=at_most(30, 15)),
    "models_and_checks_peak_memory": Kind("of that process", bar=at_most(1500, 1000)),
    "lake_of_a_day": Kind("all datasets of it, on disk"),
    "day_built_again": Kind("what two late readings add to the lake", "the day"),
    "seven_days_of_versions": Kind("each of seven days was built again once", "the days"),
    "rollup_in_postgres_max_minus_min_vs_ours": Kind("in PostgreSQL, no rule at all", "ours, under the rule"),
    "rollup_in_postgres_step_by_step_vs_ours": Kind("in PostgreSQL, resets noticed", "ours, under the rule"),
    "vehicle_*_days_of_rollups": Kind("one vehicle, asked of the lake", bar=at_most(100, 30)),
    "vehicle_*_days_of_readings": Kind("one vehicle, asked of the lake", bar=at_most(100, 30)),
    "open_lake_of_*_days": Kind("before the first question"),
    "cost_a_day_of_*_days_with_*_devices": Kind("many days in one process", "one day", at_most_times(1.10, 1.05)),
    "dagster_run_overhead": Kind("what the run of a tiny day takes besides its work", "its work", bar=at_most(4, 2.5)),
    "dagster_run_of_a_tiny_day": Kind("the run of a day that has hardly any work", "its work"),
    "backfill_*_tiny_days_by_weeks_vs_one_process": Kind("as the sensor asks for them", "one process without Dagster"),
    "backfill_*_tiny_days_as_one_run_vs_one_process": Kind("as a person may ask", "one process without Dagster"),
    "look_at_a_year_with_nothing_to_do": Kind("what the sensor asks"),
    "hourly_readings_of_*_devices_whole_day": Kind(
        "ten times the fleet, a reading an hour", "10,000 meters and vehicles"
    ),
    "hourly_readings_of_*_devices_models_and_checks": Kind("of which the models", "10,000 meters and vehicles"),
    "hourly_readings_of_*_devices_peak_memory": Kind("of that process", "10,000 meters and vehicles"),
    "up_to_both_pages": Kind("from no home, installed", bar=at_most(12, 7)),
    "up_peak_memory": Kind("of all processes"),
}


def pattern_of(name: str) -> str:
    """The entry that a figure of this name has.

    Raises:
        LookupError: there is none: say here what the figure is before it is told.
    """
    for pattern in (*INGEST, *WAREHOUSE):
        if fnmatchcase(name, pattern):
            return pattern
    raise LookupError(f"tests/benchmarks/catalog.py does not say what {name} is")


def kind_of(name: str) -> Kind:
    """What a figure of this name says. Raises as ``pattern_of`` does."""
    return {**INGEST, **WAREHOUSE}[pattern_of(name)]
