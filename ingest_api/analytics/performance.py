"""What a vehicle's charging was worth in a window: from the rows of two statements to the answer's numbers.

Nearly every register just grows all day, and the fast path (``window_growth.py``) is enough; for the others the energy
rule is ``sql/sum_window_energy.sql``. Here the sums of both sides are compared, and the vehicle is rated.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ingest_api.analytics.common_span import Mismatch, Span, find_mismatch, narrowed
from ingest_api.analytics.window_growth import EncodedReadings, Segment, sum_growth
from ingest_api.analytics.window_statements import count_of_corrected, energy_of_both_sides, readings_of_both_sides
from ingest_api.database import Connection, Row, fetch_all
from warehouse import sqlfiles
from warehouse.contract.corrections import CORRECTED_FLAG
from warehouse.contract.efficiency import (
    LOW_COVERAGE,
    Status,
    coverage_ratio,
    efficiency_ratio,
    is_low_energy,
    status_of,
)
from warehouse.contract.energy import DeviceSettings, EnergyKind, Flag
from warehouse.contract.errors import VehicleNotFoundError, VehicleNotMappedError, WindowNotRetainedError
from warehouse.contract.partitions import utc_day
from warehouse.contract.tables import DeviceKind


class Window(NamedTuple):
    """``[start, end)``, aware instants."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> int:
        """Its length, which is whole hours."""
        return round((self.end - self.start) / timedelta(hours=1))


class Performance(NamedTuple):
    """One vehicle's window, unrounded. Energies in kWh; ``None`` is missing, never 0."""

    vehicle_id: str
    meter_id: str | None
    meter_ids: Sequence[str]
    ac_energy_kind: str
    dc_energy_kind: str
    window: Window
    ac_kwh: float | None
    dc_kwh: float | None
    efficiency_ratio: float | None
    avg_battery_temp_celsius: float | None
    ac_coverage: float
    dc_coverage: float
    span: Span | None
    """Where both sides were cut to the same span: from its first reading to its last."""
    status: Status
    flags: Mapping[str, int]
    findings: Sequence[Mapping[str, Any]]
    """Of the vehicle and its meters, those that nobody has settled, the most expensive first."""


class _Sides(NamedTuple):
    """What the sides booked, by side; one without readings is missing."""

    rows: Mapping[str, Row]
    coverages: tuple[float, float]
    mismatch: Mismatch | None
    corrected_count: int
    """Readings that corrections left out or gave another value."""


async def measure(connection: Connection, vehicle_id: str, window: Window, threshold: float) -> Performance:
    """Answer for one vehicle and window.

    Raises:
        VehicleNotFoundError, VehicleNotMappedError: there is nothing to measure.
        WindowNotRetainedError: the window touches a day that is no longer in PostgreSQL.
    """
    bounds = {"window_from": window.start, "window_to": window.end}
    days = {"first_day": utc_day(window.start), "last_day": utc_day(window.end - timedelta(microseconds=1))}
    mappings = await fetch_all(
        connection,
        sqlfiles.load("ingest_api.analytics", "find_vehicle_mappings"),
        {"vehicle_id": vehicle_id, **bounds, **days},
    )
    if not mappings:
        raise VehicleNotFoundError(f"no vehicle has the id {vehicle_id}")
    if mappings[0]["meter_id"] is None:
        raise VehicleNotMappedError(f"no meter is mapped to {vehicle_id} in this window; POST /v1/mappings maps one")
    if dropped_day := mappings[0]["dropped_day"]:
        raise WindowNotRetainedError(f"the readings of {dropped_day} are no longer kept here; the lake has them")
    sides = await _sum_sides(connection, window, _segments(mappings), corrected=_has_corrections(mappings, window))
    return _rate(vehicle_id, window, mappings, sides, threshold)


def _has_corrections(mappings: Sequence[Row], window: Window) -> bool:
    """Whether a reading of the window may have been corrected: nobody looks for it where none was."""
    ends = (mapping[f"{kind}_corrected_until"] for kind in DeviceKind for mapping in mappings)
    return any(until is not None and until > window.start for until in ends)


async def _sum_sides(connection: Connection, window: Window, segments: Sequence[Segment], *, corrected: bool) -> _Sides:
    """What each side booked over the window, or over the span that both have in common."""
    bounds = {"window_from": window.start, "window_to": window.end}
    devices = dict.fromkeys((segment.side, segment.device_id) for segment in segments)  # each is read once
    parameters = {**bounds, "sides": [side for side, _ in devices], "device_ids": [id_ for _, id_ in devices]}
    cursor = await connection.execute(readings_of_both_sides(corrected=corrected), parameters, binary=True)
    encoded = {(row["side"], row["device_id"]): row["readings"] for row in await cursor.fetchall()}
    rows = await _booked(connection, bounds, segments, encoded, corrected=corrected)
    coverages = _coverage(rows.get("ac", _SILENT), window), _coverage(rows.get("dc", _SILENT), window)
    mismatch = find_mismatch(segments, encoded, coverages)
    if mismatch and mismatch.span:
        first, last = mismatch.span
        bounds = {"window_from": first, "window_to": last + timedelta(microseconds=1)}
        of_span = await _booked(connection, bounds, *narrowed(segments, encoded, mismatch.span), corrected=corrected)
        rows = {side: {**row, **_energy_of(of_span.get(side, _SILENT))} for side, row in rows.items()}
    corrected_count = await _count_corrected(connection, window, segments) if corrected else 0
    return _Sides(rows, coverages, mismatch, corrected_count)


async def _booked(
    connection: Connection,
    bounds: Mapping[str, datetime],
    segments: Sequence[Segment],
    encoded: EncodedReadings,
    *,
    corrected: bool,
) -> Mapping[str, Row]:
    """What each side booked: by the fast path where its registers only grew, else by the whole rule."""
    if (grown := sum_growth(segments, encoded)) is not None:
        return grown
    statement = energy_of_both_sides(corrected=corrected)
    cursor = await connection.execute(statement, {**bounds, **_parameters(segments)})
    return {row["side"]: row for row in await cursor.fetchall()}


async def _count_corrected(connection: Connection, window: Window, segments: Sequence[Segment]) -> int:
    bounds = {"window_from": window.start, "window_to": window.end}
    (row,) = await fetch_all(connection, count_of_corrected(), {**bounds, **_parameters(segments)})
    return int(row["corrected"])


def _energy_of(row: Row) -> Row:
    """Energy and flags of a sum; what else it says is said of the window."""
    return {"energy_kwh": row["energy_kwh"], **{flag: row.get(flag, 0) for flag in Flag}}


def _segments(mappings: Sequence[Row]) -> list[Segment]:
    """Each mapping twice: as a segment of the meter's energy, and one of the vehicle's."""
    return [
        Segment(
            side=side,
            device_id=mapping[f"{kind}_id"],
            settings=DeviceSettings(
                energy_kind=EnergyKind(mapping[f"{kind}_energy_kind"]),
                max_power_kw=mapping[f"{kind}_max_power_kw"],
                rollover_kwh=mapping[f"{kind}_rollover_kwh"],
                max_reset_kwh=mapping[f"{kind}_max_reset_kwh"],
                expected_interval_s=mapping[f"{kind}_expected_interval_s"],
            ),
            counts_from=mapping["counts_from"],
            counts_to=mapping["counts_to"],
        )
        for side, kind in (("ac", DeviceKind.METER), ("dc", DeviceKind.VEHICLE))
        for mapping in mappings
    ]


def _parameters(segments: Sequence[Segment]) -> dict[str, list[Any]]:
    """The segments as ``sum_window_energy.sql`` takes them, by column."""
    return {
        "sides": [segment.side for segment in segments],
        "device_ids": [segment.device_id for segment in segments],
        "energy_kinds": [segment.settings.energy_kind for segment in segments],
        "max_powers_kw": [segment.settings.max_power_kw for segment in segments],
        "rollovers_kwh": [segment.settings.rollover_kwh for segment in segments],
        "max_resets_kwh": [segment.settings.max_reset_kwh for segment in segments],
        "expected_intervals_s": [segment.settings.expected_interval_s for segment in segments],
        "counts_from": [segment.counts_from for segment in segments],
        "counts_to": [segment.counts_to for segment in segments],
    }


def _rate(vehicle_id: str, window: Window, mappings: Sequence[Row], sides: _Sides, threshold: float) -> Performance:
    ac, dc = (sides.rows.get(side, _SILENT) for side in ("ac", "dc"))
    ac_kwh, dc_kwh = ac["energy_kwh"], dc["energy_kwh"]
    is_low = is_low_energy(ac_kwh, dc_kwh, window.hours)
    if ac_kwh is None or dc_kwh is None:
        ratio, status = None, Status.NO_READINGS
    elif ac_kwh <= 0:
        ratio, status = None, Status.NO_AC
    elif any(mapping["is_shared"] for mapping in mappings):
        ratio, status = None, Status.SHARED_METER
    else:
        ratio = efficiency_ratio(ac_kwh, dc_kwh)
        is_comparable = sides.mismatch is None or sides.mismatch.is_comparable
        status = status_of(ratio, threshold, is_low=is_low, is_comparable=is_comparable)
    last = mappings[-1]
    return Performance(
        vehicle_id=vehicle_id,
        meter_id=last["meter_external_id"] if last["counts_to"] == window.end else None,
        meter_ids=list(dict.fromkeys(mapping["meter_external_id"] for mapping in mappings)),
        ac_energy_kind=last["meter_energy_kind"],
        dc_energy_kind=last["vehicle_energy_kind"],
        window=window,
        ac_kwh=ac_kwh,
        dc_kwh=dc_kwh,
        efficiency_ratio=ratio,
        avg_battery_temp_celsius=dc["avg_battery_temp_celsius"],
        ac_coverage=sides.coverages[0],
        dc_coverage=sides.coverages[1],
        span=sides.mismatch.span if sides.mismatch else None,
        status=status,
        flags=_flags(window, mappings, sides, is_low=is_low),
        findings=_findings(mappings),
    )


def _findings(mappings: Sequence[Row]) -> list[Row]:
    """Each once: what is of the vehicle stands beside each of its mappings."""
    found = {each["finding_id"]: each for mapping in mappings for each in mapping["findings"] or ()}
    return sorted(found.values(), key=_most_expensive_first)


def _most_expensive_first(finding: Row) -> tuple[bool, float, str]:
    cost = finding["cost_per_month"]
    return cost is None, -(cost or 0.0), finding["finding_id"]


_SILENT: Row = {"energy_kwh": None, "covered_seconds": 0.0, "avg_battery_temp_celsius": None}


def _coverage(side: Row, window: Window) -> float:
    return coverage_ratio(side["covered_seconds"], (window.end - window.start).total_seconds())


def _flags(window: Window, mappings: Sequence[Row], sides: _Sides, *, is_low: bool) -> dict[str, int]:
    counts: dict[str, int] = {flag: sum(row.get(flag, 0) for row in sides.rows.values()) for flag in Flag}
    counts["low_coverage"] = sum(coverage < LOW_COVERAGE for coverage in sides.coverages)
    counts["low_energy"] = int(is_low)
    counts["edge_mismatch"] = int(sides.mismatch is not None)
    counts[CORRECTED_FLAG] = sides.corrected_count
    mapped = sum((mapping["counts_to"] - mapping["counts_from"] for mapping in mappings), timedelta())
    counts["partly_mapped"] = int(mapped < window.end - window.start)
    return {flag: count for flag, count in counts.items() if count}
