"""The endpoint's SQL holds the energy rule: every vector, and equality with the plain reference on dirty series."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given, settings
from psycopg.rows import dict_row

from ingest_api.analytics.performance import Performance, Window, measure
from tests.corrected_series import CorrectedSeries, corrected_series
from tests.energy_series import Vector, dirty_series, vectors
from warehouse.contract.corrections import Action, Correction, corrected, correction_in_force
from warehouse.contract.energy import DeviceSettings, EnergyKind, Sample, increase_kwh, steps
from warehouse.contract.partitions import utc_day

HOURS = 168
MIDNIGHT = datetime.combine(utc_day(datetime.now(UTC)) - timedelta(days=5), datetime.min.time(), UTC)
WINDOW = Window(MIDNIGHT, MIDNIGHT + timedelta(hours=HOURS))


class Fleet:
    """One vehicle and its meter, whose samples a test sets and whose window it measures."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection = self._loop.run_until_complete(
            psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row)
        )
        self.execute("INSERT INTO meters (external_id) VALUES ('m')")
        self.execute("INSERT INTO vehicles (external_id) VALUES ('v')")
        self.execute("INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) VALUES (1, 1, '1970-01-01Z')")

    def close(self) -> None:
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()

    def execute(self, query: str, parameters: Iterable[object] = ()) -> None:
        self._loop.run_until_complete(self._connection.execute(query.encode(), list(parameters)))

    def measure(
        self, samples: Iterable[Sample], device: DeviceSettings, corrections: Sequence[Correction] = ()
    ) -> Performance:
        """The same samples on both sides, and the same corrections of them: both must say the same."""
        rows = sorted(set(samples))
        self.execute("SET fleetwatt.forgetting = 'on'")  # else what was said is never deleted
        self.execute("DELETE FROM reading_corrections")
        for kind in ("meter", "vehicle"):
            for each in corrections:
                self.execute(
                    "INSERT INTO reading_corrections (kind, device_id, starts_at, ends_at, action, kwh, why, who)"
                    " VALUES (%s, 1, %s, %s, %s, %s, 'false', 'ann')",
                    [kind, *each],
                )
            until = max((each.ends_at for each in corrections), default=None)
            self.execute(f"UPDATE {kind}s SET corrected_until = %s", [until])
            # A few rows: to delete them costs less than to give each of fifty partitions new files.
            self.execute(f"DELETE FROM {kind}_readings")
            self.execute(
                f"UPDATE {kind}s SET (max_power_kw, rollover_kwh, max_reset_kwh, expected_interval_s, energy_kind)"
                " = (%s, %s, %s, %s, %s)",
                [
                    device.max_power_kw,
                    device.rollover_kwh,
                    device.max_reset_kwh,
                    device.expected_interval_s,
                    device.energy_kind,
                ],
            )
            self.execute(
                f"INSERT INTO {kind}_readings ({kind}_id, ts, kwh) "
                "SELECT 1, * FROM unnest(%s::timestamptz[], %s::float8[])",
                [[row.ts for row in rows], [row.kwh for row in rows]],
            )
        return self._loop.run_until_complete(measure(self._connection, "v", WINDOW, threshold=0.85))


@pytest.fixture(scope="module")
def fleet(shared_database_url: str) -> Iterator[Fleet]:
    """For the whole module: each measurement sets all that it depends on."""
    fleet = Fleet(shared_database_url)
    yield fleet
    fleet.close()


def _both_sides(flags: Iterable[str]) -> dict[str, int]:
    return {flag: 2 * count for flag, count in Counter(flags).items()}


def _rule_flags(measured: Performance) -> dict[str, int]:
    about_the_window = {"low_coverage", "low_energy", "edge_mismatch", "partly_mapped"}
    return {flag: count for flag, count in measured.flags.items() if flag not in about_the_window}


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector.name)
def test_vector(vector: Vector, fleet: Fleet) -> None:
    measured = fleet.measure(vector.at(MIDNIGHT), vector.settings)
    if vector.samples:
        assert measured.ac_kwh == pytest.approx(vector.expected_kwh, abs=1e-6)
        assert measured.dc_kwh == pytest.approx(vector.expected_kwh, abs=1e-6)
    else:
        assert (measured.ac_kwh, measured.dc_kwh) == (None, None)  # missing is null, never 0
    assert _rule_flags(measured) == _both_sides(flag for _, flag in vector.expected_flags)


@settings(max_examples=75)
@given(series=dirty_series(MIDNIGHT))
def test_equals_the_reference_on_random_dirty_series(series: tuple[list[Sample], DeviceSettings], fleet: Fleet) -> None:
    inside = [sample for sample in series[0] if sample.ts < WINDOW.end]
    measured = fleet.measure(inside, series[1])
    if inside:
        assert measured.ac_kwh == pytest.approx(increase_kwh(inside, series[1]), abs=1e-6)
    flags = [flag for step in steps(inside, series[1]) for flag in step.flags]
    assert _rule_flags(measured) == _both_sides(flags)


@settings(max_examples=75)
@given(drawn=corrected_series(MIDNIGHT))
def test_equals_the_reference_on_what_is_left_of_corrected_series(drawn: CorrectedSeries, fleet: Fleet) -> None:
    samples, device, corrections = drawn
    inside = [sample for sample in samples if sample.ts < WINDOW.end]
    measured = fleet.measure(inside, device, corrections)
    counting = corrected(inside, corrections)
    assert (measured.ac_kwh is None) == (not counting)
    if counting:
        assert measured.ac_kwh == pytest.approx(increase_kwh(counting, device), abs=1e-6)
        assert measured.dc_kwh == pytest.approx(increase_kwh(counting, device), abs=1e-6)
    words = (correction_in_force(corrections, sample.ts) for sample in set(inside))
    changed = sum(word is not None and word.action is not Action.RESTORE for word in words)
    flags = [flag for step in steps(counting, device) for flag in step.flags]
    assert _rule_flags(measured) == _both_sides([*flags, *["corrected"] * changed])


def test_an_interval_device_books_each_value(fleet: Fleet) -> None:
    samples = [Sample(MIDNIGHT + timedelta(minutes=minute), kwh) for minute, kwh in enumerate([0.18, 500.0, 0.0])]
    interval = DeviceSettings(energy_kind=EnergyKind.INTERVAL, max_power_kw=22.0, rollover_kwh=100.0)
    measured = fleet.measure(samples, interval)
    assert measured.ac_kwh == pytest.approx(500.18)
    assert _rule_flags(measured) == {}
    assert (measured.ac_energy_kind, measured.dc_energy_kind) == ("interval", "interval")
