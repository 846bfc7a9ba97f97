"""Every fault that is listed shows in readings or sessions as what it is, not before it begins nor after its end."""

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from warehouse.contract.energy import DeviceSettings, Flag, Sample, Step, steps
from warehouse.simulation.clock import EPOCH
from warehouse.simulation.draws import Floats
from warehouse.simulation.faults import FaultKind
from warehouse.simulation.fleet import Columns, Fleet
from warehouse.simulation.sessions import sessions
from warehouse.simulation.truth import KnownFault, lines

YEAR_END = EPOCH + timedelta(days=365)
DAY_MINUTES = 1440


@cache
def fleet() -> Fleet:
    """Every pair has a fault within the year; some have one of the charger and one of the vehicle."""
    return Fleet(260, seed=6, fault_share=1.0)


@cache
def healthy() -> Fleet:
    """The same fleet without its faults."""
    return Fleet(260, seed=6, fault_share=0.0)


@cache
def both() -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sessions of the year with and without the faults."""
    return sessions(fleet(), EPOCH, YEAR_END), sessions(healthy(), EPOCH, YEAR_END)


def only(kind: FaultKind, days: int = 10) -> list[KnownFault]:
    """Faults of this kind, at least ``days`` long, of pairs that have no other fault."""
    count: dict[str, int] = {}
    for fault in fleet().faults():
        count[fault.device_id[-5:]] = count.get(fault.device_id[-5:], 0) + 1
    partners = {f"{int(each.device_id[-5:]) - 1:05d}" for each in fleet().faults() if each.kind == "swapped_mapping"}
    swapped = {each.device_id[-5:] for each in fleet().faults() if each.kind == "swapped_mapping"} | partners
    found = [
        fault
        for fault in fleet().faults()
        if fault.kind is kind
        and count[fault.device_id[-5:]] == 1
        and (kind == "swapped_mapping" or fault.device_id[-5:] not in swapped)
        and fault.since + timedelta(days=days) < (fault.until or YEAR_END)
    ]
    assert found
    return found[:3]


def ratio(fault: KnownFault, table: pl.DataFrame, begin: datetime, end: datetime) -> float:
    """The median of the sessions of the fault's pair."""
    of_pair = table.filter(
        pl.col.kind == "charge",
        pl.col.vehicle_id == fault.vehicle_id,
        pl.col.ended_at.is_between(begin, end, closed="left"),
        pl.col.ac_kwh > 3,
    )
    median = of_pair["efficiency_ratio"].median()
    assert isinstance(median, float)
    return median


def before_and_during(fault: KnownFault) -> tuple[float, float]:
    """What the fault takes from the ratio before it begins, and while it lasts: the same sessions without it."""
    faulty, sound = both()
    end = fault.until or YEAR_END
    before = (fault.since - timedelta(days=30), fault.since)
    during = (fault.since + timedelta(days=1), end - timedelta(days=1))
    return (
        ratio(fault, sound, *before) - ratio(fault, faulty, *before),
        ratio(fault, sound, *during) - ratio(fault, faulty, *during),
    )


def number(fault: KnownFault) -> int:
    return int(fault.device_id[-5:]) - 1


def minute(instant: datetime) -> int:
    return int(instant.timestamp()) // 60


def readings(fault: KnownFault, begin: datetime, days: int, of: Fleet | None = None) -> Columns:
    """What the faulty device sends; one column."""
    drawn = of or fleet()
    place = np.array([number(fault)], dtype=np.int64)
    draw = drawn.meters if fault.device_id.startswith("meter") else drawn.vehicles
    return draw(minute(begin), days * DAY_MINUTES, place)


def booked(columns: Columns) -> list[Step]:
    """By the energy rule."""
    samples = [
        Sample(datetime.fromtimestamp(instant_s, UTC), kwh)
        for instant_s, kwh in zip(
            columns.instants_s[columns.reported].tolist(), columns.kwh[columns.reported].tolist(), strict=True
        )
    ]
    return steps(samples, DeviceSettings(max_power_kw=400))


def flags(columns: Columns) -> set[Flag]:
    return flags_of(booked(columns))


def flags_of(found: list[Step]) -> set[Flag]:
    return {flag for step in found for flag in step.flags} - {Flag.GAP}


def test_in_a_year_five_pairs_in_a_hundred_get_a_fault_and_most_are_repaired() -> None:
    faults = Fleet(3_000).faults()
    assert 100 < len(faults) < 200
    repaired = [fault for fault in faults if fault.until is not None]
    assert 0.4 < len(repaired) / len(faults) < 0.9


def test_a_fleet_full_of_faults_has_every_kind() -> None:
    assert {fault.kind for fault in fleet().faults()} == set(FaultKind)
    assert Fleet(50, fault_share=0.0).faults() == []


def test_a_fault_names_its_devices_and_leaves_time_to_learn_a_baseline() -> None:
    for fault in fleet().faults():
        assert fault.meter_id == str(fault.vehicle_id).replace("veh", "meter")
        assert fault.device_id in {fault.meter_id, fault.vehicle_id}
        if fault.kind is FaultKind.BAD_FROM_FIRST_DAY:
            assert fault.since == EPOCH
        else:
            assert EPOCH + timedelta(days=39) <= fault.since < YEAR_END
        assert fault.until is None or fault.until > fault.since
        assert fault.detail


def test_a_charger_of_a_depot_has_no_vehicle_of_its_own() -> None:
    faults = Fleet(140, depot_share=1.0, fault_share=1.0).faults()
    assert {fault.vehicle_id is None for fault in faults if fault.device_id.startswith("meter")} == {True}
    assert {fault.meter_id is None for fault in faults if fault.device_id.startswith("veh")} == {True}


def test_a_file_has_a_fault_a_line() -> None:
    written = pl.read_ndjson(lines(fleet().faults()))
    assert len(written) == len(fleet().faults())
    assert written["kind"].to_list() == [fault.kind.value for fault in fleet().faults()]
    assert {"deviceId", "since", "until", "size", "unit", "detail"} <= set(written.columns)


def test_faults_of_later_years_leave_those_of_the_first_as_they_are() -> None:
    later = fleet().faults(EPOCH + timedelta(days=700))
    assert [fault for fault in later if fault.since < YEAR_END] == fleet().faults()
    assert len(later) > 1.5 * len(fleet().faults())


@pytest.mark.parametrize("kind", [FaultKind.CHARGER_STEP, FaultKind.VEHICLE_LOSS])
def test_a_loss_takes_its_points_from_its_day_on(kind: FaultKind) -> None:
    for fault in only(kind):
        before, during = before_and_during(fault)
        assert before == pytest.approx(0, abs=1e-9)
        assert during == pytest.approx(fault.size / 100, abs=0.006)


def test_a_repaired_charger_is_as_it_was() -> None:
    fault = next(
        fault for fault in only(FaultKind.CHARGER_STEP) if fault.until and fault.until < YEAR_END - timedelta(days=20)
    )
    assert fault.until
    faulty, sound = both()
    after = fault.until, fault.until + timedelta(days=20)
    # A register of 0.1 kWh ticks at another moment once it has counted something else.
    assert ratio(fault, faulty, *after) == pytest.approx(ratio(fault, sound, *after), abs=0.006)


def test_what_was_bad_from_the_first_day_never_was_better() -> None:
    for fault in only(FaultKind.BAD_FROM_FIRST_DAY):
        _, during = before_and_during(fault._replace(since=EPOCH + timedelta(days=30)))
        assert during == pytest.approx(fault.size / 100, abs=0.006)


def test_a_drift_gets_worse_month_by_month() -> None:
    for fault in only(FaultKind.CHARGER_DRIFT, days=80):
        faulty, sound = both()
        months = [(fault.since + timedelta(days=25 * n), fault.since + timedelta(days=25 * (n + 1))) for n in range(3)]
        lost = [ratio(fault, sound, *month) - ratio(fault, faulty, *month) for month in months]
        assert lost == sorted(lost)
        assert lost[2] - lost[0] == pytest.approx(fault.size / 100 * 50 / 30, rel=0.3)


def test_a_meter_with_a_gain_counts_more_or_less() -> None:
    for fault in only(FaultKind.METER_GAIN):
        faulty, sound = both()
        span = fault.since + timedelta(days=1), (fault.until or YEAR_END) - timedelta(days=1)
        assert ratio(fault, sound, *span) / ratio(fault, faulty, *span) == pytest.approx(
            1 + fault.size / 100, abs=0.006
        )


def test_a_register_of_a_vehicle_with_a_gain_counts_more_or_less() -> None:
    for fault in only(FaultKind.DC_REGISTER_GAIN):
        faulty, sound = both()
        span = fault.since + timedelta(days=1), (fault.until or YEAR_END) - timedelta(days=1)
        assert ratio(fault, faulty, *span) / ratio(fault, sound, *span) == pytest.approx(
            1 + fault.size / 100, abs=0.006
        )


def test_a_dead_transformer_hides_a_third() -> None:
    for fault in only(FaultKind.DEAD_TRANSFORMER):
        faulty, sound = both()
        span = fault.since + timedelta(days=1), (fault.until or YEAR_END) - timedelta(days=1)
        assert ratio(fault, faulty, *span) / ratio(fault, sound, *span) == pytest.approx(1.5, abs=0.01)
        assert ratio(fault, faulty, *span) > 1


def test_leakage_flows_while_nothing_charges() -> None:
    for fault in only(FaultKind.LEAKAGE):
        for begin, most_w in ((fault.since - timedelta(days=6), 12.0), (fault.since, fault.size + 12)):
            kwh = readings(fault, begin, 5).kwh[:: 4 * 60, 0]
            idle_w = 1000 * np.sort(np.diff(kwh))[: len(kwh) // 3].mean() / 4
            assert most_w - 25 <= idle_w <= most_w or begin < fault.since


def test_a_frozen_meter_stands_still_while_the_vehicle_charges() -> None:
    for fault in only(FaultKind.FROZEN_METER):
        faulty, _ = both()
        of_pair = faulty.filter(pl.col.kind == "charge", pl.col.vehicle_id == fault.vehicle_id)
        during = of_pair.filter(pl.col.started_at.is_between(fault.since, fault.until or YEAR_END))
        frozen = during.filter(pl.col.ac_kwh < 0.2 * pl.col.dc_kwh)
        assert 0.4 * fault.size < len(frozen) / len(during) <= 1
        assert of_pair.filter(pl.col.started_at < fault.since, pl.col.ac_kwh < pl.col.dc_kwh).is_empty()
        assert flags(readings(fault, fault.since, 5)) == set()


def test_a_register_that_restarts_begins_at_zero_and_counts_on() -> None:
    for fault in only(FaultKind.REGISTER_RESET):
        days = min(60, ((fault.until or YEAR_END) - fault.since).days)
        columns = readings(fault, fault.since, days)
        found = booked(columns)
        assert flags_of(found) == {Flag.RESET}
        resets = np.flatnonzero(np.diff(columns.kwh[:, 0]) < -1)
        assert 0 < len(resets) < 3 * fault.size * days + 2
        assert (columns.kwh[resets + 1, 0] < 1).all()
        sound = readings(fault, fault.since, days, healthy()).kwh
        assert sum(step.kwh for step in found) == pytest.approx(sound[-1, 0] - sound[0, 0], abs=0.3)


def test_a_replaced_meter_shows_another_value_from_one_reading_to_the_next() -> None:
    for fault in only(FaultKind.METER_REPLACED, days=0):
        kwh = readings(fault, fault.since - timedelta(days=1), 2).kwh[:, 0]
        jump = int(np.argmax(np.abs(np.diff(kwh))))
        assert kwh[jump + 1] == pytest.approx(fault.size, abs=0.5)
        assert (np.delete(np.diff(kwh), jump) >= 0).all()


@pytest.mark.parametrize("kind", [FaultKind.METER_GLITCH, FaultKind.VEHICLE_GLITCH])
def test_a_glitch_is_one_row_and_the_rule_leaves_it_out(kind: FaultKind) -> None:
    for fault in only(kind):
        days = min(40, ((fault.until or YEAR_END) - fault.since).days)
        columns = readings(fault, fault.since, days)
        sound = readings(fault, fault.since, days, healthy())
        wrong = columns.kwh != sound.kwh
        assert 0.3 * fault.size * days < wrong.sum() < 2 * fault.size * days + 3
        assert set(np.round(columns.kwh[wrong] / sound.kwh[wrong]).tolist()) <= {0.0, 10.0}
        assert flags(columns) <= {Flag.GLITCH}


@pytest.mark.parametrize("kind", [FaultKind.METER_CLOCK, FaultKind.VEHICLE_CLOCK])
def test_a_clock_that_is_off_tells_of_another_hour(kind: FaultKind) -> None:
    for fault in only(kind, days=4):
        told = readings(fault, fault.since + timedelta(days=1), 2)
        true = readings(fault, fault.since + timedelta(days=1, seconds=-fault.size), 2, healthy())
        assert registers_agree(told.kwh, true.kwh)
        columns = readings(fault, fault.since - timedelta(hours=3), 1)
        assert np.diff(columns.kwh[columns.reported]).min() >= 0


def registers_agree(one: Floats, other: Floats) -> bool:
    """They were read within the same minute: the jitter of the instants differs."""
    return bool(np.quantile(np.abs(one - other), 0.99) < 2.6)


@pytest.mark.parametrize("kind", [FaultKind.METER_SILENT, FaultKind.VEHICLE_SILENT])
def test_a_silent_device_reports_nothing_and_its_register_goes_on(kind: FaultKind) -> None:
    for fault in only(kind, days=0):
        assert fault.until
        days = (fault.until - fault.since).days + 3
        columns = readings(fault, fault.since - timedelta(days=1), days)
        inside = (columns.instants_s >= fault.since.timestamp()) & (columns.instants_s < fault.until.timestamp())
        assert not columns.reported[inside].any()
        assert columns.reported[~inside].mean() > 0.8
        assert np.diff(columns.kwh[:, 0]).min() >= 0
        assert flags(columns) == set()


def test_a_swapped_mapping_is_two_vehicles_at_each_others_chargers() -> None:
    for fault in only(FaultKind.SWAPPED_MAPPING, days=5):
        faulty, _ = both()
        partner = f"veh-{number(fault):05d}"
        partners_meter = partner.replace("veh", "meter")
        at_home = faulty.filter(pl.col.kind == "charge", pl.col.vehicle_id.is_in([fault.vehicle_id, partner]))
        during = at_home.filter(pl.col.started_at.is_between(fault.since, fault.until or YEAR_END))
        before = at_home.filter(pl.col.started_at < fault.since)
        pairs = {(row["vehicle_id"], row["meter_id"]) for row in during.iter_rows(named=True)}
        assert pairs == {(fault.vehicle_id, partners_meter), (partner, fault.meter_id)}
        assert set(before["meter_id"].str.slice(-5)) == set(before["vehicle_id"].str.slice(-5))
        assert {(each["vehicleId"], each["meterId"]) for each in fleet().mappings()} >= {
            (fault.vehicle_id, fault.meter_id)
        }
