"""How corrections of readings are sent and shown."""

from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from ingest_api.http.wire import ONLY_KNOWN_FIELDS, ExactInstant, Instant, SentInstant, Wire, refuse_unknown_fields
from warehouse.contract.corrections import LONGEST, LONGEST_WHY, Action
from warehouse.contract.readings import DEVICE_ID_PATTERN, KWH
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.corrections.correction_store import Corrected, StoredCorrection
from warehouse.postgres.corrections.wanted import WantedCorrection


class NewCorrection(Wire):
    """What is said of the readings of a device in `[from, to)`."""

    model_config = ONLY_KNOWN_FIELDS

    device: str = Field(
        pattern=f"^{DEVICE_ID_PATTERN}$", description="The id that the meter or vehicle sends.", examples=["meter-1"]
    )
    kind: DeviceKind | None = Field(
        default=None, description="Needed where a meter and a vehicle send the same id.", examples=["meter"]
    )
    starts_at: SentInstant = Field(
        alias="from", description="The timestamp of the first reading.", examples=["2026-02-08T04:00:00.000Z"]
    )
    ends_at: SentInstant | None = Field(
        default=None,
        alias="to",
        description=f"Excluded, at most {LONGEST.days} days later. `null`: the one reading of `from`.",
        examples=["2026-02-08T05:00:00.000Z"],
    )
    action: Action = Field(
        description="`void`: these readings are left out. `replace`: they showed `kwh`. `restore`: they count as they "
        "were received, whatever was said before.",
        examples=["void"],
    )
    kwh: Annotated[float, Field(ge=KWH[0], le=KWH[1], strict=True)] | None = Field(
        default=None,
        description="With `replace` alone: what the register showed (of an interval device: the energy since the "
        "reading before), kWh.",
        examples=[None],
    )
    why: str = Field(
        min_length=1,
        max_length=LONGEST_WHY,
        description="It stays with the correction.",
        examples=["the meter was exchanged at noon and showed the new one's register twice"],
    )

    _known = model_validator(mode="before")(refuse_unknown_fields)

    def wanted(self, who: str) -> WantedCorrection:
        """As the store takes it."""
        return WantedCorrection(**self.model_dump(), who=who)


class Correction(Wire):
    """What was said of readings, by whom and when. Of each instant the last word counts."""

    id: int = Field(description="A later correction has a larger one.", examples=[17])
    device: str = Field(examples=["meter-1"])
    kind: DeviceKind = Field(examples=["meter"])
    starts_at: ExactInstant = Field(alias="from", description="Included.", examples=["2026-02-08T04:00:00.000Z"])
    ends_at: ExactInstant | None = Field(
        alias="to", description="Excluded. `null`: of one reading.", examples=["2026-02-08T05:00:00.000Z"]
    )
    action: Action = Field(examples=["void"])
    kwh: float | None = Field(description="What a replaced reading showed, kWh.", examples=[None])
    why: str = Field(examples=["the meter was exchanged at noon and showed the new one's register twice"])
    who: str = Field(description="A person, or a token.", examples=["ann"])
    made_at: Instant = Field(examples=["2026-02-09T08:30:00.000Z"])

    @classmethod
    def of(cls, stored: StoredCorrection) -> "Correction":
        """Write a stored one."""
        return cls(**stored.record())


class MadeCorrection(Correction):
    """A correction, and what follows from it."""

    reading_count: int = Field(
        description="Readings that it is about, of the days that PostgreSQL still has.", examples=[60]
    )
    days: list[date] = Field(
        description="Closed days that are built again; hours and answers of today follow by themselves.",
        examples=[["2026-02-08"]],
    )

    @classmethod
    def after(cls, done: Corrected) -> "MadeCorrection":
        """Write what became of a wanted one."""
        return cls(**done.correction.record(), reading_count=done.reading_count, days=list(done.days))


class Corrections(Wire):
    """A page of corrections in the order of their making."""

    items: list[Correction]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")
