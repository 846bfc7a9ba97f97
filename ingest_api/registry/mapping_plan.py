"""Decides what new mappings of vehicles to meters mean, given those that are stored. It stores nothing itself.

Mappings are effective-dated, ``[valid_from, valid_to)``. A new one closes the vehicle's open mapping where it begins;
it never rewrites a closed one, and never slips in before a later one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from warehouse.contract.errors import MappingOverlapError

SINCE_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class MeterMapping:
    """A span of time in which a meter fed a vehicle. ``mapping_id`` is ``None`` until it is stored."""

    vehicle_id: str
    meter_id: str
    valid_from: datetime
    valid_to: datetime | None = None
    mapping_id: int | None = None

    def holds_at(self, ts: datetime) -> bool:
        """Whether it is in force at this instant."""
        return self.valid_from <= ts and (self.valid_to is None or ts < self.valid_to)


@dataclass
class MappingPlan:
    """The stored mappings, and what a request changes: add its mappings in order, store ``opened`` and ``closed``."""

    now: datetime
    known: dict[str, list[MeterMapping]] = field(default_factory=dict)
    """By vehicle."""
    mapped_meters: set[str] = field(default_factory=set)
    """Meters that were ever mapped to anything."""
    opened: list[MeterMapping] = field(default_factory=list)
    closed: list[MeterMapping] = field(default_factory=list)

    @classmethod
    def on(cls, known: Iterable[MeterMapping], now: datetime) -> "MappingPlan":
        """A plan on top of these mappings."""
        plan = cls(now)
        for mapping in known:
            plan._remember(mapping)
        return plan

    def add(self, vehicle_id: str, meter_id: str, valid_from: datetime | None) -> MeterMapping:
        """Map a vehicle to a meter from an instant on; returns the mapping that then holds.

        ``valid_from`` of ``None`` means since always where neither of the two was ever mapped, else from now on.

        Raises:
            MappingOverlapError: it would overlap a closed or a future mapping of this vehicle.
        """
        mappings = self.known.get(vehicle_id, [])
        if valid_from is None:
            valid_from = self.now if mappings or meter_id in self.mapped_meters else SINCE_ALWAYS
        for mapping in mappings:
            if mapping.meter_id == meter_id and (
                mapping.valid_from == valid_from or (mapping.valid_to is None and mapping.holds_at(valid_from))
            ):
                return mapping
        self._make_room(mappings, vehicle_id, valid_from)
        mapping = MeterMapping(vehicle_id, meter_id, valid_from)
        self._remember(mapping)
        self.opened.append(mapping)
        return mapping

    def _make_room(self, mappings: Iterable[MeterMapping], vehicle_id: str, valid_from: datetime) -> None:
        for mapping in mappings:
            if mapping.valid_to is None and mapping.valid_from < valid_from:
                mapping.valid_to = valid_from
                if mapping.mapping_id is not None:
                    self.closed.append(mapping)
            elif mapping.valid_to is None or mapping.valid_to > valid_from:
                raise MappingOverlapError(
                    f"{vehicle_id} has a mapping from {mapping.valid_from.isoformat()} that this one would overlap"
                )

    def _remember(self, mapping: MeterMapping) -> None:
        self.known.setdefault(mapping.vehicle_id, []).append(mapping)
        self.mapped_meters.add(mapping.meter_id)
