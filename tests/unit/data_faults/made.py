"""Sessions and standby made by hand, and the rules over several days of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.fault_day import Carried, FaultInputs, faults_of_day
from warehouse.lake.hourly_energy import FLAGGED
from warehouse.sessions.schemas import CHARGING_SESSIONS, DAILY_STANDBY, INSTANT

FIRST = date(2026, 2, 1)
ENDS = timedelta(minutes=30)
"""A session is known to have ended so long after it did."""


def at(day: int, hour: float) -> datetime:
    """An instant of the n-th day."""
    return datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(days=day, hours=hour)


def session(
    meter_id: int | None,
    vehicle_id: int | None,
    start: datetime,
    ac_kwh: float | None,
    dc_kwh: float | None,
    /,
    kw: float = 7.4,
    **others: Any,
) -> dict[str, object]:
    """A session at an even power, whose sides begin and end together; ``others`` replaces what it would have."""
    both = ac_kwh is not None and dc_kwh is not None
    hours = max(ac_kwh or 0, dc_kwh or 0) / kw
    end = start + timedelta(hours=hours)
    kind = "ac_only" if dc_kwh is None else "dc_only" if ac_kwh is None else "charge"
    row: dict[str, object] = {
        "kind": kind,
        "meter_id": meter_id,
        "vehicle_id": vehicle_id,
        "ac_kwh": ac_kwh,
        "dc_kwh": dc_kwh,
        "efficiency_ratio": dc_kwh / ac_kwh if both and dc_kwh is not None and ac_kwh else None,
        "voltage_before_volts": 231.0,
        "mean_voltage_volts": 228.0,
        "soc_start_percent": 40.0,
        "soc_end_percent": 70.0,
        "ac_flags": "",
        "dc_flags": "",
    }
    for side, kwh in (("ac", ac_kwh), ("dc", dc_kwh)):
        if kwh is not None:
            row |= {f"{side}_started_at": start, f"{side}_ended_at": end, f"{side}_coverage": 1.0}
            row |= {f"{side}_plateau_kw": kw if side == "ac" else 0.9 * kw}
    row |= others
    edges = [row.get(f"{side}_{edge}_at") for side in ("ac", "dc") for edge in ("started", "ended")]
    known = [edge for edge in edges if isinstance(edge, datetime)]
    row |= {"started_at": min(known), "ended_at": max(known)}
    device = f"meter-{meter_id}" if ac_kwh is not None else f"vehicle-{vehicle_id}"
    row["session_id"] = f"{device}-{int(max(known).timestamp())}"
    return row


def apart(
    meter_id: int | None, vehicle_id: int, start: datetime, ac_kwh: float, dc_kwh: float, lag: timedelta
) -> list[dict[str, object]]:
    """One charge whose AC is later than its DC by a lag, as two sessions; both sides are as long."""
    hours = timedelta(hours=ac_kwh / 7.4)
    dc_start = start - lag
    dc: dict[str, Any] = {"dc_started_at": dc_start, "dc_ended_at": dc_start + hours, "mean_voltage_volts": 231.0}
    return [
        session(meter_id, vehicle_id, start, ac_kwh, None),
        session(meter_id, vehicle_id, dc_start, None, dc_kwh, **dc),
    ]


def idle(meter_id: int, watts: float, hours: float = 20.0, spans: int = 2) -> dict[str, object]:
    """The standby of a meter's day."""
    return {
        "kind": "meter",
        "device_id": meter_id,
        "idle_watts": watts,
        "idle_hours": hours,
        "idle_span_count": spans,
        "idle_kwh": watts * hours / 1000,
    }


@dataclass
class Made:
    """A fleet made by hand: by default pairs of the same number."""

    pairs: Sequence[tuple[int, int]] = ((1, 1),)
    """Vehicle and meter."""
    resolution_kwh: float = 0.01
    interval_s: int = 60
    models: Mapping[int, str] = field(default_factory=dict)
    sessions: list[dict[str, object]] = field(default_factory=list)
    standby: dict[int, list[dict[str, object]]] = field(default_factory=dict)
    """By day."""
    gaps: list[dict[str, object]] = field(default_factory=list)
    silent: set[tuple[str, int, int]] = field(default_factory=set)
    """kind, device, day: who sends nothing."""
    last_at: dict[tuple[str, int, int], datetime] = field(default_factory=dict)
    """When devices sent last on a day, where that is not its last interval."""
    mapped: bool = True

    def days(self, count: int, carried: Carried | None = None, first: int = 0) -> list[Carried]:
        """The rules on these days, each with what the one before carried."""
        found, before = [], carried or Carried.nothing()
        for number in range(first, first + count):
            before = faults_of_day(self.inputs(number, before), FIRST + timedelta(days=number))
            found.append(before)
        return found

    def at_once(self, count: int) -> Carried:
        """The rules on the last of these days, as if all sessions had become known on it; for rules of sessions."""
        begin, end = at(0, 0), at(count, 0)
        inputs = self.inputs(count - 1, Carried.nothing())
        sessions = [row for row in self.sessions if begin <= row["ended_at"] + ENDS < end]  # type: ignore[operator]
        inputs = inputs._replace(sessions=_table(sessions, CHARGING_SESSIONS))
        return faults_of_day(inputs, FIRST + timedelta(days=count - 1))

    def inputs(self, number: int, carried: Carried) -> FaultInputs:
        """What the faults of a day are found in."""
        begin, end = at(number, 0), at(number + 1, 0)
        ended = [row for row in self.sessions if begin <= row["ended_at"] + ENDS < end]  # type: ignore[operator]
        gaps = [row for row in self.gaps if begin <= row["ts"] < end]  # type: ignore[operator]
        return FaultInputs(
            _table(ended, CHARGING_SESSIONS),
            _table(self.standby.get(number, ()), DAILY_STANDBY),
            _table(gaps, FLAGGED),
            pl.DataFrame(
                [
                    {
                        "kind": kind.value,
                        "device_id": device,
                        "ts": self.last_at.get((kind.value, device, number), end - timedelta(seconds=self.interval_s)),
                    }
                    for kind in DeviceKind
                    for device in self._ids(kind)
                    if (kind.value, device, number) not in self.silent
                ],
                schema={"kind": pl.String, "device_id": pl.Int32, "ts": INSTANT},
            ),
            {kind: self._devices(kind) for kind in DeviceKind},
            pl.DataFrame(
                [(vehicle, meter, at(-90, 0), None) for vehicle, meter in self.pairs if self.mapped],
                schema={"vehicle_id": pl.Int32, "meter_id": pl.Int32, "valid_from": INSTANT, "valid_to": INSTANT},
                orient="row",
            ),
            carried,
        )

    def _ids(self, kind: DeviceKind) -> list[int]:
        return sorted({pair[0 if kind is DeviceKind.VEHICLE else 1] for pair in self.pairs})

    def _devices(self, kind: DeviceKind) -> pl.DataFrame:
        rows = [
            (
                each,
                str(each),
                self.resolution_kwh,
                self.interval_s,
                self.models.get(each) if kind is DeviceKind.METER else None,
            )
            for each in self._ids(kind)
        ]
        schema = {
            "device_id": pl.Int32,
            "external_id": pl.String,
            "resolution_kwh": pl.Float64,
            "expected_interval_s": pl.Int32,
            "model": pl.String,
        }
        return pl.DataFrame(rows, schema=schema, orient="row")


def _table(rows: Iterable[dict[str, object]], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema)


def open_rules(carried: Carried) -> list[tuple[str, str]]:
    """Rule and subject of what is found on a day, R9 aside."""
    is_found = (pl.col("state") != "closed") & (pl.col("rule") != "R9")
    return carried.data_faults.filter(is_found).select("rule", "subject").rows()


def found_in(sessions: Sequence[dict[str, object]], days: int, **made: Any) -> set[tuple[str, str]]:
    """Rule and subject of what is found in sessions that are known at once, R9 aside."""
    return set(open_rules(Made(sessions=list(sessions), **made).at_once(days)))


def ever(found: Sequence[Carried]) -> set[tuple[str, str]]:
    """Whatever was found on any of the days, R9 aside."""
    return {each for day in found for each in open_rules(day)}
