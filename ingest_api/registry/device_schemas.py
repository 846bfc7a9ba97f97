"""What is said of a device: its current state, its settings, and how they are changed."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, model_validator

from ingest_api.database import Row
from ingest_api.http.wire import NO_NUL, ONLY_KNOWN_FIELDS, Instant, Wire, refuse_unknown_fields, rounded
from warehouse.contract.energy import EnergyKind
from warehouse.contract.labels import LONGEST_SITE, LONGEST_TAG, MOST_TAGS, TAG_PATTERN, in_order
from warehouse.contract.readings import SMALLEST_KWH
from warehouse.contract.reporting import Reporting


class Settings(Wire):
    """What the energy rule knows of a device. `null` means unknown."""

    energy_kind: EnergyKind = Field(description="A register that grows, or energy per interval.", examples=["counter"])
    max_power_kw: float | None = Field(description="Bounds how fast the register can grow.", examples=[22])
    resolution_kwh: float | None = Field(description="The register's smallest step.", examples=[0.01])
    rollover_kwh: float | None = Field(
        description="Where the register starts over at 0; where it shows more than this, it does not.",
        examples=[100000],
    )
    max_reset_kwh: float | None = Field(
        description="The most it can show after it restarted: what one battery takes, with its losses.", examples=[150]
    )
    expected_interval_s: int = Field(
        alias="expectedIntervalSeconds", description="How often it reports.", examples=[60]
    )
    model: str | None = Field(examples=["Wallbox 22"])
    display_name: str | None = Field(examples=["Depot north, bay 4"])
    site: str | None = Field(description="Where it stands, or belongs.", examples=["Depot north"])
    tags: list[str] = Field(description="What people call it by, in order.", examples=[["night shift", "van"]])


_Tag = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG, pattern=TAG_PATTERN)]


def _without_default(schema: dict[str, Any]) -> None:
    """A generated client that fills in defaults would change what nobody meant to change."""
    schema.pop("default", None)


class SettingsChange(Wire):
    """The settings to change: a field that is left out stays, `null` makes it unknown. A number is a JSON number."""

    model_config = ONLY_KNOWN_FIELDS

    energy_kind: EnergyKind = Field(default=EnergyKind.COUNTER, json_schema_extra=_without_default)
    max_power_kw: float | None = Field(default=None, ge=SMALLEST_KWH, le=1e6, allow_inf_nan=False, strict=True)
    resolution_kwh: float | None = Field(default=None, ge=SMALLEST_KWH, le=1e6, allow_inf_nan=False, strict=True)
    rollover_kwh: float | None = Field(default=None, ge=SMALLEST_KWH, le=1e9, allow_inf_nan=False, strict=True)
    max_reset_kwh: float | None = Field(default=None, ge=SMALLEST_KWH, le=1e9, allow_inf_nan=False, strict=True)
    expected_interval_s: int = Field(
        default=60, ge=1, le=86_400, strict=True, alias="expectedIntervalSeconds", json_schema_extra=_without_default
    )
    model: str | None = Field(default=None, max_length=200, pattern=NO_NUL)
    display_name: str | None = Field(default=None, max_length=200, pattern=NO_NUL)
    site: str | None = Field(default=None, min_length=1, max_length=LONGEST_SITE, pattern=NO_NUL)
    tags: Annotated[list[_Tag], AfterValidator(in_order)] = Field(
        default=[], max_length=MOST_TAGS, json_schema_extra=_without_default
    )

    _known = model_validator(mode="before")(refuse_unknown_fields)


OF_ADMINISTRATORS = frozenset({"energy_kind", "max_power_kw", "max_reset_kwh", "rollover_kwh"})
"""The settings that decide what past energy was: who operates a fleet must not."""


class _State(Wire):
    told_by_clock: ClassVar[frozenset[str]] = frozenset({"age_seconds"})

    timestamp: Instant | None = Field(description="Of the newest reading.")
    received_at: Instant | None = Field(description="When that reading was stored.")
    age_seconds: float | None = Field(description="How long ago the newest reading was taken.", examples=[31.2])
    status: Reporting = Field(
        description="`online`: reported within three of its expected intervals; `stale`: longer ago, and within a "
        "quarter of an hour; `offline`: longer ago than both; `unseen`: never.",
        examples=["online"],
    )
    power_kw: float | None = Field(
        description="Mean power between its two newest readings; null where it is not online, or they tell of none.",
        examples=[7.214],
    )
    is_charging: bool = Field(
        description="Online, and that step was of 0.5 kW or more and no single tick of the register.", examples=[True]
    )
    settings: Settings


class Meter(_State):
    """The current state of a meter; readings are null until its first one."""

    meter_id: str = Field(examples=["meter-1"])
    kwh_consumed_ac: float | None = Field(examples=[12034.123])
    voltage: float | None = Field(examples=[230.1])


class Vehicle(_State):
    """The current state of a vehicle; readings are null until its first one."""

    vehicle_id: str = Field(examples=["veh-1"])
    kwh_delivered_dc: float | None = Field(examples=[8123.456])
    soc: float | None = Field(description="State of charge, percent.", examples=[63.5])
    battery_temp: float | None = Field(description="Celsius.", examples=[31.5])


class Meters(Wire):
    """A page of meters in the order of their ids."""

    items: list[Meter]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")


class Vehicles(Wire):
    """A page of vehicles in the order of their ids."""

    items: list[Vehicle]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")


def meter_of(row: Row) -> Meter:
    """A row of ``list_devices``."""
    return Meter(meter_id=row["external_id"], kwh_consumed_ac=row["kwh"], voltage=row["voltage_volts"], **_common(row))


def vehicle_of(row: Row) -> Vehicle:
    """A row of ``list_devices``."""
    return Vehicle(
        vehicle_id=row["external_id"],
        kwh_delivered_dc=row["kwh"],
        soc=row["soc_percent"],
        battery_temp=row["battery_temp_celsius"],
        **_common(row),
    )


def _common(row: Row) -> dict[str, Any]:
    ts: datetime | None = row["ts"]
    return {
        "timestamp": ts,
        "received_at": row["received_at"],
        "age_seconds": None if ts is None else max(0.0, round((datetime.now(UTC) - ts).total_seconds(), 3)),
        "status": Reporting(row["reporting"]),
        "power_kw": rounded(row["power_kw"], 3) if row["reporting"] == Reporting.ONLINE else None,
        "is_charging": row["charges"],
        "settings": Settings.model_validate(row),
    }
