"""What is said of mappings: new ones, those that are stored, a page of them."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator

from ingest_api.http.wire import ARRAY, OBJECT, ONLY_KNOWN_FIELDS, Instant, SentInstant, Wire, refuse_unknown_fields
from ingest_api.registry.mapping_plan import MeterMapping
from warehouse.contract.readings import DEVICE_ID_PATTERN

MAX_MAPPINGS = 10_000
_OF_AN_ANSWER = ("id", "validTo")
_ID_FIELD = Field(pattern=f"^{DEVICE_ID_PATTERN}$")


class NewMapping(Wire):
    """From `validFrom` on, this meter feeds this vehicle."""

    model_config = ONLY_KNOWN_FIELDS

    vehicle_id: Annotated[str, _ID_FIELD] = Field(examples=["veh-1"])
    meter_id: Annotated[str, _ID_FIELD] = Field(examples=["meter-1"])
    valid_from: SentInstant | None = Field(
        default=None,
        description="Default: since always (1970-01-01) where neither of the two was ever mapped, else now.",
        examples=["2026-02-08T04:00:00.000Z"],
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_does_nothing(cls, sent: Any) -> Any:
        """An answer can be sent back as it is, with its id; an end that was sent would not be heeded."""
        if not isinstance(sent, dict):
            return sent
        if sent.get("validTo") is not None:
            raise ValueError("validTo cannot be sent: a mapping ends where the vehicle's next one begins, or by DELETE")
        return refuse_unknown_fields(cls, {name: sent[name] for name in sent if name not in _OF_AN_ANSWER})


def _shape(sent: Any) -> str:
    return ARRAY if isinstance(sent, list) else OBJECT


NewMappings = Annotated[
    Annotated[NewMapping, Tag(OBJECT)] | Annotated[list[NewMapping], Field(max_length=MAX_MAPPINGS), Tag(ARRAY)],
    Discriminator(_shape),
]
"""One, or several: what is wrong is said of the shape that was sent."""


class Mapping(Wire):
    """A meter feeds a vehicle in `[validFrom, validTo)`; open where `validTo` is null."""

    id: int = Field(examples=[17])
    vehicle_id: str = Field(examples=["veh-1"])
    meter_id: str = Field(examples=["meter-1"])
    valid_from: Instant
    valid_to: Instant | None

    @classmethod
    def of(cls, mapping: MeterMapping) -> "Mapping":
        """Write a stored mapping."""
        return cls(
            id=mapping.mapping_id or 0,
            vehicle_id=mapping.vehicle_id,
            meter_id=mapping.meter_id,
            valid_from=mapping.valid_from,
            valid_to=mapping.valid_to,
        )


class MappedFleet(Wire):
    """The mappings that now hold, in the order of the request."""

    created: int = Field(description="How many are new.", examples=[100])
    items: list[Mapping]


class Mappings(Wire):
    """A page of mappings in the order of their making."""

    items: list[Mapping]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")
