"""Hours by device in PostgreSQL: what the energy rule books by hour, however late readings come, in whatever order."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, groupby, product
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.corrected_series import CorrectedSeries, corrected_series
from tests.energy_series import dirty_series
from warehouse.contract.corrections import INSTANT, Action, Correction, corrected, correction_in_force
from warehouse.contract.energy import DeviceSettings, EnergyKind, Sample, steps
from warehouse.contract.partitions import Stream, midnight, partition_name, utc_day
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.hours import device_hours
from warehouse.postgres.hours.device_hours import write_closed_hours

MIDNIGHT = midnight(utc_day(datetime.now(UTC)) - timedelta(days=4))
END = MIDNIGHT + timedelta(days=3)
"""Three days that are over, also for late rows; what a series has beyond them is left out."""
THREE_DAYS = [MIDNIGHT + timedelta(hours=hour) for hour in range(72)]


class Device:
    """A meter and a vehicle that report the same samples: their hours must be the same."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        for kind in DeviceKind:
            connection.execute(f"INSERT INTO {kind}s (external_id) VALUES ('d')".encode())
            newest = f"INSERT INTO {kind}_latest ({kind}_id, ts, kwh, received_at) VALUES (1, now(), 1, now())"
            connection.execute(newest.encode())

    def begin(self, device: DeviceSettings, hours: Iterable[datetime] = THREE_DAYS) -> None:
        """Nothing was ever reported; these hours are still to be written."""
        self.connection.execute("SET fleetwatt.forgetting = 'on'")  # else what was said is never deleted
        for table in ("meter_readings", "vehicle_readings", "device_hourly", "hourly_checks", "reading_corrections"):
            # A few rows: to delete them costs less than to give each of fifty partitions new files.
            self.connection.execute(f"DELETE FROM {table}".encode())
        self.connection.execute(
            "INSERT INTO hourly_ledger SELECT hour, now() FROM generate_series(%s, now(), '1 hour'::interval) AS hour"
            " ON CONFLICT DO NOTHING",
            [MIDNIGHT],
        )
        self.connection.execute("DELETE FROM hourly_ledger WHERE hour = any(%s)", [sorted(set(hours))])
        for kind in DeviceKind:
            self.connection.execute(
                f"UPDATE {kind}s SET (max_power_kw, rollover_kwh, max_reset_kwh, expected_interval_s, energy_kind)"
                " = (%s, %s, %s, %s, %s), corrected_until = NULL".encode(),
                [
                    device.max_power_kw,
                    device.rollover_kwh,
                    device.max_reset_kwh,
                    device.expected_interval_s,
                    device.energy_kind,
                ],
            )

    def store(self, samples: Iterable[Sample]) -> None:
        rows = sorted(set(samples))
        for kind in DeviceKind:
            self.connection.execute(
                f"INSERT INTO {kind}_readings ({kind}_id, ts, kwh) "
                "SELECT 1, * FROM unnest(%s::timestamptz[], %s::float8[])".encode(),
                [[row.ts for row in rows], [row.kwh for row in rows]],
            )
        self.connection.execute("DELETE FROM hourly_checks")  # as if the rows had been counted as late

    def correct(self, corrections: Iterable[Correction]) -> None:
        """As the store does it, but that nothing has to be there."""
        for kind, each in product(DeviceKind, corrections):
            self.connection.execute(
                "INSERT INTO reading_corrections (kind, device_id, starts_at, ends_at, action, kwh, why, who)"
                " VALUES (%s, 1, %s, %s, %s, %s, 'false', 'ann')",
                [kind, *each],
            )
            said = f"UPDATE {kind}s SET corrected_until = greatest(corrected_until, %s)"
            self.connection.execute(said.encode(), [each.ends_at])
            self.connection.execute("INSERT INTO hourly_requests VALUES (%s, 1, %s)", [kind, each.starts_at])

    def write(self) -> None:
        write_closed_hours(self.connection, _in_silence)

    def hours(self) -> dict[datetime, dict[str, Any]]:
        """What is written, by hour; the meter's, once the vehicle's are found to be the same."""
        found: dict[str, dict[datetime, dict[str, Any]]] = {kind: {} for kind in DeviceKind}
        for kind, hour, energy_kwh, count, flags in self.connection.execute(
            "SELECT kind::text, starts_at, energy_kwh, reading_count, flags FROM device_hourly WHERE starts_at < %s",
            [END],
        ):
            found[kind][hour] = {"kwh": pytest.approx(energy_kwh, abs=1e-6), "count": count, "flags": flags or {}}
        assert found["meter"] == found["vehicle"]
        return found["meter"]


def _in_silence(line: str) -> None:
    pass


def expected(samples: Iterable[Sample], device: DeviceSettings) -> dict[datetime, dict[str, Any]]:
    """The plain reference, by hour."""
    kwh: dict[datetime, float] = defaultdict(float)
    flags: dict[datetime, Counter[str]] = defaultdict(Counter)
    counts = Counter(_hour(sample.ts) for sample in set(samples))
    for step in steps(samples, device):
        kwh[_hour(step.ts)] += step.kwh
        flags[_hour(step.ts)].update(step.flags)
    return {hour: {"kwh": kwh[hour], "count": counts[hour], "flags": dict(flags[hour])} for hour in counts}


def _hour(ts: datetime) -> datetime:
    return ts.replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def device(connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setattr(device_hours, "KEPT", timedelta(days=4))
    return Device(connection)


def drop_days(connection: psycopg.Connection, *days: datetime) -> None:
    """As retention does: the partitions go, and the ledger says so."""
    for day in days:
        for stream in Stream:
            connection.execute(f"DROP TABLE {partition_name(stream, utc_day(day))}".encode())
        connection.execute("UPDATE partition_ledger SET state = 'dropped' WHERE day = %s", [utc_day(day)])


unhurried = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])


@unhurried
@given(series=dirty_series(MIDNIGHT), shuffled=st.randoms(use_true_random=False), pieces=st.integers(1, 3))
def test_equals_the_reference_however_late_readings_come(
    series: tuple[list[Sample], DeviceSettings], shuffled: random.Random, pieces: int, device: Device
) -> None:
    samples = sorted({sample for sample in series[0] if sample.ts < END})
    device.begin(series[1])
    parts: list[list[Sample]] = [[] for _ in range(pieces)]
    for sample in samples:
        shuffled.choice(parts).append(sample)
    for part in parts:
        device.store(part)
        device.write()
    assert device.hours() == expected(samples, series[1])


@unhurried
@given(drawn=corrected_series(MIDNIGHT), said_first=st.booleans(), split=st.randoms(use_true_random=False))
def test_equals_the_reference_on_what_is_left_of_corrected_series(
    drawn: CorrectedSeries, said_first: bool, split: random.Random, device: Device
) -> None:
    """Whether the correction or the hours are there first, and with readings that come later than both."""
    samples = sorted({sample for sample in drawn[0] if sample.ts < END})
    corrections = drawn[2]
    later = [sample for sample in samples if split.random() < 0.2]
    device.begin(drawn[1])
    device.store(sample for sample in samples if sample not in later)
    if not said_first:
        device.write()
    device.correct(corrections)
    device.write()
    device.store(later)
    device.write()
    assert device.hours() == expected_of_corrected(samples, corrections, drawn[1])


def expected_of_corrected(
    samples: list[Sample], corrections: list[Correction], device: DeviceSettings
) -> dict[datetime, dict[str, Any]]:
    words = {sample.ts: correction_in_force(corrections, sample.ts) for sample in samples}
    changed = Counter(_hour(ts) for ts, word in words.items() if word and word.action is not Action.RESTORE)
    hours = expected(corrected(samples, corrections), device)
    for hour, count in changed.items():
        if hour in hours:  # of an hour of which nothing is left there is no row
            hours[hour]["flags"]["corrected"] = count
    return hours


def test_hours_of_a_device_of_which_all_is_left_out_are_written_once(device: Device) -> None:
    """The readings that are stored are more than the hours count: that alone must not have them written for ever."""
    samples = [Sample(MIDNIGHT + timedelta(minutes=20 * k), 100.0 + k) for k in range(9)]
    device.begin(DeviceSettings())
    device.store(samples)
    device.correct([Correction(samples[0].ts, samples[-1].ts + INSTANT, Action.VOID)])
    device.write()
    assert device.hours() == {}
    device.connection.execute("DELETE FROM hourly_checks")
    assert write_closed_hours(device.connection, _in_silence).corrected_devices == 0


def test_late_readings_of_neighbouring_days_are_both_found(device: Device) -> None:
    """To rewrite the first day rewrites the second one too: that must not hide what came into the second one."""
    noons = [MIDNIGHT + timedelta(days=day, hours=12) for day in range(3)]
    on_time = [Sample(noon, 100.0 * day) for day, noon in enumerate(noons)]
    late = [Sample(noon + timedelta(hours=6), 100.0 * day + 50) for day, noon in enumerate(noons[:2])]
    device.begin(DeviceSettings(max_power_kw=None))
    for part in (on_time, late):
        device.store(part)
        device.write()
    assert device.hours() == expected(sorted([*on_time, *late]), DeviceSettings(max_power_kw=None))


@settings(unhurried, max_examples=5)
@given(series=dirty_series(MIDNIGHT))
def test_equals_the_reference_when_each_hour_is_written_as_it_closes(
    series: tuple[list[Sample], DeviceSettings],
    device: Device,
) -> None:
    """A reading that only the next hour's shows to be a glitch is put right with that hour."""
    samples = sorted({sample for sample in series[0] if sample.ts < END})
    hours = sorted({_hour(sample.ts) for sample in samples})
    device.begin(series[1], hours)
    for hour in hours:
        device.store([sample for sample in samples if _hour(sample.ts) == hour])
        device_hours._write_hour(device.connection, hour)
    assert device.hours() == expected(samples, series[1])


@pytest.mark.parametrize(("every_min", "hours"), [(7, 30), (25, 30), (60, 48)])
@pytest.mark.parametrize("pieces", ["hours", "days"])
def test_runs_of_equal_rows_are_put_right_with_the_hour_that_shows_them(
    device: Device, every_min: int, hours: int, pieces: str
) -> None:
    """Runs of one to four rows, which begin and end at every place around an hour's end, and at midnight."""
    settings_of = DeviceSettings(max_power_kw=22)
    samples = list(register_with_runs(every_min, MIDNIGHT + timedelta(hours=hours)))
    flags = {flag for step in steps(samples, settings_of) for flag in step.flags}
    assert {"glitch", "jump", "rebase"} <= flags
    in_the_end = expected(samples, settings_of)
    device.begin(settings_of, [_hour(sample.ts) for sample in samples])
    by_piece = {"hours": lambda sample: _hour(sample.ts), "days": lambda sample: utc_day(sample.ts)}[pieces]
    for _, of_piece in groupby(samples, by_piece):
        piece = list(of_piece)
        device.store(piece)
        for hour in sorted({_hour(sample.ts) for sample in piece}):
            device_hours._write_hour(device.connection, hour)
            if pieces == "days":  # the readings after the hour are there: it is right at once
                assert device.hours()[hour] == in_the_end[hour]
    assert device.hours() == in_the_end


def register_with_runs(every_min: int, end: datetime) -> Iterator[Sample]:
    kwh, ts = 1000.0, MIDNIGHT + timedelta(minutes=30)
    lengths, good_rows, values = cycle([1, 2, 3, 4, 3]), cycle([1, 2, 3, 5]), cycle([0.0, 9000.0, 500.0])
    while ts < end:
        corrupt_kwh = next(values)
        for shown in [kwh + 0.1 * place for place in range(next(good_rows))] + [corrupt_kwh] * next(lengths):
            if ts < end:
                yield Sample(ts, shown)
            ts += timedelta(minutes=every_min)
        kwh += 1.0


@pytest.mark.parametrize("dropped", [[0], [1], [0, 1]], ids=["first", "between", "two"])
def test_hours_of_dropped_days_stay_as_they_are_when_settings_change(device: Device, dropped: list[int]) -> None:
    """Nothing is left to compute them from; nor the step from a dropped day into the first hour after it."""
    counter, interval = DeviceSettings(), DeviceSettings(energy_kind=EnergyKind.INTERVAL)
    first = MIDNIGHT + timedelta(minutes=7)
    samples = [Sample(first + timedelta(minutes=20 * k), 1000 + k / 4) for k in range(3 * 72)]
    device.begin(counter)
    device.store(samples)
    device.write()
    before = expected(samples, counter)
    assert device.hours() == before
    days = [MIDNIGHT + timedelta(days=day) for day in dropped]
    drop_days(device.connection, *days)
    first_hours_after = [day + timedelta(days=1) for day in days]
    stays = {hour for hour in before if midnight(utc_day(hour)) in days or hour in first_hours_after}
    for kind in DeviceKind:
        device.connection.execute(f"UPDATE {kind}s SET energy_kind = 'interval'".encode())
        device.connection.execute("INSERT INTO hourly_requests VALUES (%s, 1, NULL)", [kind])
    device.write()
    rewritten = expected(samples, interval)
    assert device.hours() == {hour: (before if hour in stays else rewritten)[hour] for hour in before}
