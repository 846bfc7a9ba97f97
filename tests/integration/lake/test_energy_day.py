"""A fleet's days as files: whatever the order of days, the hours add up to what the registers gained."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from types import MappingProxyType

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.corrected_series import CorrectedSeries, corrected_series
from tests.energy_series import dirty_series
from warehouse.contract.corrections import INSTANT, Action, Correction, corrected
from warehouse.contract.energy import DeviceSettings, Sample, increase_kwh
from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind
from warehouse.lake import energy_day
from warehouse.lake.corrected_readings import write_corrected_readings
from warehouse.lake.energy_day import (
    DayInputs,
    changed_devices,
    write_boundary_samples,
    write_device_last,
    write_energy,
)

FIRST = date(2026, 2, 8)
MIDNIGHT = datetime(2026, 2, 8, tzinfo=UTC)
TS = pl.Datetime("us", "UTC")


class LakeOfDays:
    """Registers of meters (device 1, 2, ...) and one vehicle, written day by day as the export does."""

    def __init__(
        self,
        root: Path,
        meters: dict[int, list[Sample]],
        devices: dict[int, DeviceSettings],
        corrections: Mapping[int, list[Correction]] = MappingProxyType({}),
    ) -> None:
        self.root = root
        self.days = sorted({sample.ts.date() for samples in meters.values() for sample in samples})
        for day in self.days:
            rows = [
                (meter, sample.ts, sample.kwh, None)
                for meter, samples in sorted(meters.items())
                for sample in sorted(set(samples))
                if sample.ts.date() == day
            ]
            schema = pl.Schema({"meter_id": pl.Int32(), "ts": TS, "kwh": pl.Float64(), "voltage_volts": pl.Float32()})
            pl.DataFrame(rows, schema=schema, orient="row").write_parquet(self.path(day, "meter_readings"))
            pl.DataFrame(
                schema={
                    "vehicle_id": pl.Int32(),
                    "ts": TS,
                    "kwh": pl.Float64(),
                    "soc_percent": pl.Float32(),
                    "battery_temp_celsius": pl.Float32(),
                }
            ).write_parquet(self.path(day, "vehicle_readings"))
            self._write_devices(day, devices)
            self._write_corrections(day, corrections)

    def _write_devices(self, day: date, devices: dict[int, DeviceSettings]) -> None:
        for kind, known in (("meter", devices), ("vehicle", {})):
            columns = [
                ("energy_kind", pl.String()),
                ("max_power_kw", pl.Float64()),
                ("rollover_kwh", pl.Float64()),
                ("max_reset_kwh", pl.Float64()),
                ("expected_interval_s", pl.Int32()),
            ]
            rows = [(number, *(getattr(each, name) for name, _ in columns)) for number, each in known.items()]
            schema = pl.Schema({f"{kind}_id": pl.Int32(), **dict(columns)})
            pl.DataFrame(rows, schema=schema, orient="row").write_parquet(self.path(day, f"{kind}s"))
        mapping = {"vehicle_id": pl.Int32(), "meter_id": pl.Int32(), "valid_from": TS, "valid_to": TS}
        pl.DataFrame(schema=mapping).write_parquet(self.path(day, "vehicle_meter_map"))

    def _write_corrections(self, day: date, corrections: Mapping[int, list[Correction]]) -> None:
        """What was said, in the order of saying it, device by device."""
        begin, end = midnight(day), midnight(day + timedelta(days=1))
        said = [(meter, *each) for meter, of_meter in corrections.items() for each in of_meter]
        rows = [
            (number, "meter", meter, starts_at, ends_at, action.value, kwh)
            for number, (meter, starts_at, ends_at, action, kwh) in enumerate(said)
            if starts_at < end and ends_at > begin
        ]
        schema = pl.Schema(
            {"correction_id": pl.Int64(), "kind": pl.String(), "device_id": pl.Int32(), "starts_at": TS, "ends_at": TS}
            | {"action": pl.String(), "kwh": pl.Float64()}
        )
        pl.DataFrame(rows, schema=schema, orient="row").write_parquet(self.path(day, "reading_corrections"))
        target = self.path(day, "corrected_readings")
        write_corrected_readings(self.exported(day), self.path(day, "reading_corrections"), target)

    def exported(self, day: date) -> dict[DeviceKind, Path]:
        return {kind: self.path(day, kind.readings) for kind in DeviceKind}

    def path(self, day: date, dataset: str) -> Path:
        path = self.root / f"{dataset}-{day}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def note_last(self, day: date) -> None:
        corrected_readings = self.path(day, "corrected_readings")
        write_device_last(self.exported(day), corrected_readings, self.path(day, "device_last"))

    def energy_kwh(self, day: date) -> float:
        """The energy of one day, from its own files and the last samples of all earlier ones."""
        earlier = [self.path(each, "device_last") for each in self.days if each < day]
        write_boundary_samples(earlier, self.path(day, "device_last"), self.path(day, "carried_samples"))
        inputs = DayInputs(**{name: self.path(day, name) for name in DayInputs._fields})
        hourly, flagged = self.path(day, "hourly_energy"), self.path(day, "flagged_steps")
        rows = write_energy(inputs, day, hourly, flagged)
        frame = pl.read_parquet(hourly)
        assert frame.height == rows.hourly_energy
        assert frame.select("kind", "device_id", "hour", "segment_from").is_unique().all()
        return float(frame["energy_kwh"].sum())


@pytest.mark.long
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(dirty_series(MIDNIGHT), min_size=1, max_size=3), st.randoms())
def test_days_computed_alone_in_any_order_add_up_to_the_increase_of_the_whole_series(
    tmp_path_factory: pytest.TempPathFactory, fleet: list[tuple[list[Sample], DeviceSettings]], random: Random
) -> None:
    meters = {number: samples for number, (samples, _) in enumerate(fleet, start=1)}
    devices = {number: each for number, (_, each) in enumerate(fleet, start=1)}
    lake = LakeOfDays(tmp_path_factory.mktemp("lake"), meters, devices)
    for day in lake.days:
        lake.note_last(day)
    order = list(lake.days)
    random.shuffle(order)
    total = sum(lake.energy_kwh(day) for day in order)
    assert total == pytest.approx(sum(increase_kwh(meters[each], devices[each]) for each in meters), abs=1e-5)


@pytest.mark.long
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(corrected_series(MIDNIGHT), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_days_of_corrected_registers_add_up_to_the_increase_of_what_counts(
    tmp_path_factory: pytest.TempPathFactory, fleet: list[CorrectedSeries], random: Random
) -> None:
    require_corrected(tmp_path_factory.mktemp("lake"), fleet, random)


def test_a_corrected_register_books_what_counts_over_midnight_too(tmp_path: Path) -> None:
    """The last reading of the first day is left out, the first one of the second is replaced, a third is as it was."""
    samples = [Sample(MIDNIGHT + timedelta(hours=6 * place), 100.0 + place) for place in range(12)]
    false = [samples[3]._replace(kwh=5000.0), samples[4]._replace(kwh=0.0)]
    said = [
        Correction(false[0].ts, false[0].ts + INSTANT, Action.VOID),
        Correction(samples[8].ts, samples[11].ts, Action.VOID),
        Correction(false[1].ts, false[1].ts + INSTANT, Action.REPLACE, 104.5),
        Correction(samples[9].ts, samples[11].ts, Action.RESTORE),
    ]
    received = [*samples[:3], *false, *samples[5:]]
    lake = require_corrected(tmp_path, [(received, DeviceSettings(), said)], Random(1))  # noqa: S311 - a repeatable trial
    assert [lake.energy_kwh(day) for day in lake.days] == [2.0, 5.0, 4.0]
    changed = pl.concat(pl.read_parquet(lake.path(day, "corrected_readings")) for day in lake.days)
    expected = [(false[0].ts, 5000.0, None, 0), (false[1].ts, 0.0, 104.5, 2), (samples[8].ts, 108.0, None, 1)]
    assert changed.select("ts", "received_kwh", "kwh", "correction_id").rows() == expected


def require_corrected(folder: Path, fleet: list[CorrectedSeries], random: Random) -> LakeOfDays:
    """Computed in any order, the days add up to the increase of the registers as they count."""
    meters = {number: samples for number, (samples, _, _) in enumerate(fleet, start=1)}
    devices = {number: each for number, (_, each, _) in enumerate(fleet, start=1)}
    said = {number: each for number, (_, _, each) in enumerate(fleet, start=1)}
    lake = LakeOfDays(folder, meters, devices, said)
    for day in lake.days:
        lake.note_last(day)
    order = list(lake.days)
    random.shuffle(order)
    total = sum(lake.energy_kwh(day) for day in order)
    counting = {number: corrected(sorted(set(meters[number])), said[number]) for number in meters}
    assert total == pytest.approx(sum(increase_kwh(counting[each], devices[each]) for each in meters), abs=1e-5)
    return lake


def test_a_device_that_was_silent_for_days_books_its_step_when_it_returns(tmp_path: Path) -> None:
    returns = MIDNIGHT + timedelta(days=5, hours=7)
    meters = {
        1: [Sample(MIDNIGHT, 100.0), Sample(returns, 130.0)],
        2: [Sample(MIDNIGHT + timedelta(days=day), 50.0 + day) for day in range(6)],
    }
    lake = LakeOfDays(tmp_path, meters, {1: DeviceSettings(), 2: DeviceSettings()})
    for day in lake.days:
        lake.note_last(day)
    assert [lake.energy_kwh(day) for day in lake.days] == [0.0, 1.0, 1.0, 1.0, 1.0, 31.0]
    gaps = pl.read_parquet(lake.path(returns.date(), "flagged_steps"))
    silent = gaps.filter(pl.col("device_id") == 1).select("ts", "before_ts", "energy_kwh", "flag").rows()
    assert silent == [(returns, MIDNIGHT, 30.0, "gap")]


def test_only_devices_whose_last_sample_is_another_one_have_changed(tmp_path: Path) -> None:
    before = {1: [Sample(MIDNIGHT, 1.0)], 2: [Sample(MIDNIGHT, 1.0)], 3: [Sample(MIDNIGHT, 1.0)]}
    after = {
        1: [Sample(MIDNIGHT, 1.0)],
        2: [*before[2], Sample(MIDNIGHT + timedelta(hours=1), 2.0)],
        3: [Sample(MIDNIGHT - timedelta(seconds=0), 1.5)],
        4: [Sample(MIDNIGHT, 9.0)],
    }
    files = []
    for number, meters in enumerate((before, after)):
        lake = LakeOfDays(tmp_path / str(number), meters, {})
        lake.note_last(FIRST)
        files.append(lake.path(FIRST, "device_last"))
    changed = changed_devices(*files)
    assert sorted(changed.rows()) == [("meter", 2), ("meter", 3), ("meter", 4)]
    assert changed_devices(None, files[0]).height == 3


def test_a_day_of_many_devices_keeps_each_to_its_own_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second register needs the rule, and there are more of them than the rule takes at a time."""
    at_a_time = 20
    monkeypatch.setattr(energy_day, "RULE_DEVICES", at_a_time)
    minutes = [MIDNIGHT + timedelta(minutes=10 * minute) for minute in range(144)]
    meters = {
        number: [
            Sample(ts, 10.0 * number + 0.05 * place - (0.07 if place == 70 and number % 2 else 0.0))
            for place, ts in enumerate(minutes)
        ]
        for number in range(1, 2 * at_a_time + 22)
    }
    lake = LakeOfDays(tmp_path, meters, dict.fromkeys(meters, DeviceSettings()))
    lake.note_last(FIRST)
    lake.energy_kwh(FIRST)
    by_device = pl.read_parquet(lake.path(FIRST, "hourly_energy")).group_by("device_id").agg(pl.col("energy_kwh").sum())
    assert by_device.height == len(meters)
    assert by_device["energy_kwh"].to_list() == pytest.approx([143 * 0.05] * len(meters), abs=1e-6)
    dips = pl.read_parquet(lake.path(FIRST, "flagged_steps"))
    assert dips["flag"].unique().to_list() == ["dip"]
    assert dips["device_id"].to_list() == [number for number in meters if number % 2]
