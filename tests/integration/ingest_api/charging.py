"""A vehicle and its meter whose registers a test writes hour by hour, and the answer it is given."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import Site, encode, new_id

DAY = datetime.combine(now_s().date() - timedelta(days=2), time(), UTC)
"""The day on which everything happens: 24 samples, one on each hour."""

Samples = Mapping[float, float]
"""A register: hours since midnight, kWh."""


def even(total: float, hours: Sequence[float] = range(24), first: float = 100.0) -> Samples:
    """A register that grows evenly by this much in all."""
    return {hour: first + total * (hour - hours[0]) / (hours[-1] - hours[0]) for hour in hours}


class Charging:
    """One vehicle and one meter that report hourly. Nothing maps them yet."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.vehicle, self.meter = new_id("veh"), new_id("meter")
        self.expect_hourly(f"vehicles/{self.vehicle}", f"meters/{self.meter}")

    def expect_hourly(self, *devices: str) -> None:
        for device in devices:
            answer = self._site.client.patch(f"/v1/{device}", json={"expectedIntervalSeconds": 3600})
            assert answer.status_code == 200

    def map(self, meter: str | None = None, valid_from: datetime | None = None, vehicle: str | None = None) -> int:
        """Map the vehicle to its meter, or others to others; returns the mapping's id."""
        new_mapping = {"vehicleId": vehicle or self.vehicle, "meterId": meter or self.meter}
        if valid_from is not None:
            new_mapping["validFrom"] = iso(valid_from)
        answer = self._site.client.post("/v1/mappings", json=new_mapping)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def ac(self, samples: Samples, meter: str | None = None) -> None:
        """What the meter's register showed."""
        self._post(
            [
                meter_payload(
                    meterId=meter or self.meter, kwhConsumedAc=kwh, timestamp=iso(DAY + timedelta(hours=hour))
                )
                for hour, kwh in samples.items()
            ]
        )

    def dc(self, samples: Samples, temperatures: Sequence[float | None] = (30.0,)) -> None:
        """What the vehicle's register showed; the temperatures take turns."""
        self._post(
            [
                vehicle_payload(
                    vehicleId=self.vehicle,
                    kwhDeliveredDc=kwh,
                    batteryTemp=temperatures[number % len(temperatures)],
                    timestamp=iso(DAY + timedelta(hours=hour)),
                )
                for number, (hour, kwh) in enumerate(samples.items())
            ]
        )

    def ask(self, at: datetime | None = None, hours: int = 24) -> httpx.Response:
        """Ask for the hours up to an instant; by default for the day."""
        asked = {"at": iso(at or DAY + timedelta(days=1)), "hours": str(hours)}
        return self._site.client.get(f"/v1/analytics/performance/{self.vehicle}", params=asked)

    def answer(self, at: datetime | None = None, hours: int = 24) -> dict[str, Any]:
        """The numbers, which must be there."""
        answer = self.ask(at, hours)
        assert answer.status_code == 200, answer.text
        numbers: dict[str, Any] = answer.json()
        return numbers

    def _post(self, payloads: list[dict[str, Any]]) -> None:
        assert self._site.send(encode(payloads)).json()["accepted"] == len(payloads)
