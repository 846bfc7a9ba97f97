"""The known faults as others call them: by the ids of vehicles and meters, as a list and as lines of a file."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from warehouse.simulation.faults import Fault, FaultKind
from warehouse.simulation.layout import Layout


class KnownFault(NamedTuple):
    """One known fault. At a depot a charger has no vehicle of its own, nor a vehicle a meter."""

    kind: FaultKind
    vehicle_id: str | None
    meter_id: str | None
    device_id: str
    """Whose readings show it, or whose loss it is."""
    since: datetime
    until: datetime | None
    """None: it is not repaired."""
    size: float
    unit: str

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "kind": self.kind.value,
            "vehicleId": self.vehicle_id,
            "meterId": self.meter_id,
            "deviceId": self.device_id,
            "since": f"{self.since:%Y-%m-%dT%H:%M:%SZ}",
            "until": None if self.until is None else f"{self.until:%Y-%m-%dT%H:%M:%SZ}",
            "size": round(self.size, 3),
            "unit": self.unit,
            "detail": self.detail,
        }

    @property
    def detail(self) -> str:
        """What it does, for people."""
        return WORDS[self.kind].format(size=self.size, below=abs(self.size))


WORDS = {
    FaultKind.CHARGER_STEP: "the charger loses {size:.0f} points more",
    FaultKind.CHARGER_DRIFT: "the charger loses {size:.0f} points more each month",
    FaultKind.BAD_FROM_FIRST_DAY: "the charger has always lost {size:.1f} points more than its kind",
    FaultKind.LEAKAGE: "{size:.0f} W flow besides the standby",
    FaultKind.METER_GAIN: "the meter counts {size:+.1f} % of what flows",
    FaultKind.FROZEN_METER: "the register stands still during {size:.0%} of the sessions",
    FaultKind.DEAD_TRANSFORMER: "the meter does not see one of three phases",
    FaultKind.REGISTER_RESET: "the register restarts at zero, {size:.2f} times a day",
    FaultKind.METER_REPLACED: "another meter is put in, which shows {size:,.0f} kWh",
    FaultKind.METER_GLITCH: "single readings are 0 or tenfold, {size:.2f} a day",
    FaultKind.METER_CLOCK: "the meter's clock is {size:+.0f} s off",
    FaultKind.METER_SILENT: "the meter reports nothing for {size:.0f} h",
    FaultKind.VEHICLE_LOSS: "the vehicle loses {size:.0f} points more, wherever it charges",
    FaultKind.DC_REGISTER_GAIN: "the vehicle's register counts {size:+.1f} % of what it gets",
    FaultKind.SWAPPED_MAPPING: "it charges at the meter of the vehicle before it, and that one at its own",
    FaultKind.VEHICLE_GLITCH: "single readings are 0 or tenfold, {size:.2f} a day",
    FaultKind.VEHICLE_CLOCK: "the vehicle's clock is {size:+.0f} s off",
    FaultKind.VEHICLE_SILENT: "the vehicle reports nothing for {size:.0f} h",
}


def known_fault(fault: Fault, layout: Layout) -> KnownFault:
    """This fault, by the ids of its devices."""
    vehicle_ids, meter_ids = layout.vehicle_ids, layout.meter_ids
    vehicle: int | None = None
    meter: int | None = None
    if fault.on_charger:
        meter = fault.number
        site = int(layout.charger_site[meter])
        vehicle = None if site in layout.depot_sites else site
    else:
        vehicle = fault.number
        meter = None if layout.in_depot[vehicle] else int(layout.home_charger[vehicle])
    vehicle_id = None if vehicle is None else vehicle_ids[vehicle]
    meter_id = None if meter is None else meter_ids[meter]
    device_id = (meter_ids if fault.on_charger else vehicle_ids)[fault.number]
    return KnownFault(fault.kind, vehicle_id, meter_id, device_id, fault.since, fault.until, fault.size, fault.unit)


def lines(faults: Iterable[KnownFault]) -> bytes:
    """One fault a line, as JSON."""
    return msgspec.json.Encoder().encode_lines([fault.record() for fault in faults])
