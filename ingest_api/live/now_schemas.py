"""How it is written what the fleet does now."""

from pydantic import Field

from ingest_api.database import Row
from ingest_api.http.wire import Instant, Wire, rounded
from ingest_api.live.fleet_now import FleetNow


class DevicesNow(Wire):
    """How many devices of one kind do what."""

    online: int = Field(description="Reported within three of their expected intervals.", examples=[9874])
    stale: int = Field(description="Longer ago, and within a quarter of an hour.", examples=[21])
    offline: int = Field(description="Longer ago than both.", examples=[93])
    unseen: int = Field(description="Never reported.", examples=[12])
    charging: int = Field(
        description="Online, and the register's last step was of 0.5 kW or more and no single tick.", examples=[2210]
    )


class FleetStateNow(Wire):
    """What the fleet does now, told from the two newest readings of each device."""

    at: Instant = Field(description="When that was so.")
    vehicles: DevicesNow
    meters: DevicesNow
    ac_kw: float | None = Field(
        description="Power at all online meters, each over its last step; null where none tells of it.",
        examples=[16211.5],
    )
    dc_kw: float | None = Field(description="Into the batteries of all online vehicles.", examples=[14307.1])
    readings_per_second: float | None = Field(
        description="Stored over the last half minute, or since somebody asked before; null at the first time.",
        examples=[332.4],
    )
    newest_reading_at: Instant | None = Field(description="The newest of all timestamps.")

    @classmethod
    def of(cls, now: FleetNow) -> "FleetStateNow":
        """What was found."""
        newest = [each["newest_ts"] for each in (now.meters, now.vehicles) if each["newest_ts"]]
        return cls(
            at=now.at,
            vehicles=_devices(now.vehicles),
            meters=_devices(now.meters),
            ac_kw=rounded(now.meters["power_kw"], 3),
            dc_kw=rounded(now.vehicles["power_kw"], 3),
            readings_per_second=rounded(now.readings_per_second, 1),
            newest_reading_at=max(newest, default=None),
        )


def _devices(row: Row) -> DevicesNow:
    return DevicesNow.model_validate({name: row[name] for name in DevicesNow.model_fields})
