"""How findings are written."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import Field
from pydantic.alias_generators import to_camel

from ingest_api.charging.charging_schemas import ChargingSession, StandbyDay
from ingest_api.http.wire import Instant, Wire, rounded
from warehouse.contract.finding_fields import finding_fields, short_fields
from warehouse.contract.findings import Event, Severity, State

Row = Mapping[str, Any]


class OpenFinding(Wire):
    """A finding in short."""

    id: UUID = Field(examples=["3f2a9c01-52d4-5e0b-9a57-0d4c1f6f7a11"])
    rule: str = Field(description="R1, R2, R4: energy is lost; R5 to R9: the data are wrong.", examples=["R1"])
    severity: Severity
    state: State = Field(description="`open` also where a snooze ran out.")
    subject: str = Field(
        description="Whose it is, as the devices are called now.", examples=["vehicle veh-1 at meter meter-1"]
    )
    cost_per_month: float | None = Field(
        description="What it costs in 30 days; null without a tariff, and where no lost energy is known.",
        examples=[12.4],
    )

    @classmethod
    def of(cls, row: Row) -> "OpenFinding":
        """A row with the columns of ``findings`` that this has."""
        return cls(**_rounded(short_fields(row)))


class Finding(OpenFinding):
    """A fault, since when it is there, what it costs and what became of it. What is not known is null."""

    revision: int = Field(description="Counts what happened to it; send it along with an act.", examples=[3])
    rule_version: int = Field(description="Of the rule, when it told this.", examples=[1])
    name: str = Field(examples=["excess_loss"])
    kind: str = Field(description="`loss`: energy is lost; `data`: the readings are wrong.", examples=["loss"])
    subject_kind: str = Field(description="`pair`, `vehicle` or `meter`.", examples=["pair"])
    vehicle_id: str | None = Field(
        description="The vehicle; of a meter's finding, who it was seen with.", examples=["veh-1"]
    )
    meter_id: str | None = Field(examples=["meter-1"])
    assigned_to: str | None = Field(examples=["ann"])
    snoozed_until: Instant | None
    opened_on: date = Field(description="The day that first told of it.", examples=["2026-02-08"])
    day: date = Field(description="The newest day that tells of it.", examples=["2026-02-14"])
    onset_from: Instant | None = Field(description="With 95 % probability it began after this.")
    onset_at: Instant | None = Field(description="When it began, most likely.")
    onset_until: Instant | None = Field(description="With 95 % probability it had begun by this.")
    resolved_at: Instant | None
    resolved_because: str | None
    resolved_by: str | None = Field(description="A person, or `pipeline`.")
    points: float | None = Field(description="By how much the efficiency is lower, in hundredths.", examples=[4.1])
    z: float | None = Field(description="How sure that is, in standard deviations.", examples=[6.2])
    excess_kwh: float | None = Field(description="Energy lost since it began.", examples=[31.5])
    excess_low_kwh: float | None = Field(
        description="With 95 % probability it is at least this, and at most the next.", examples=[24.8]
    )
    excess_high_kwh: float | None = Field(examples=[38.2])
    kwh_per_month: float | None = Field(description="Energy lost in 30 days.", examples=[40.2])
    cost: float | None = Field(description="What was lost since it began.", examples=[9.72])
    currency: str | None = Field(examples=["EUR"])
    cause: str | None = Field(
        description="`charger`, `vehicle`, `charger_or_car`, a register, or `undecided`.", examples=["charger_or_car"]
    )
    cause_probability: float | None = Field(examples=[0.94])
    deciding_test: str | None = Field(description="Which charges would decide whose it is.")
    session_count: int | None = Field(examples=[12])
    detail: str = Field(
        description="In a sentence. Text, as names and notes are: never HTML.",
        examples=["4.1 points of the efficiency are lost since 2026-02-02: 31.5 kWh in 12 sessions"],
    )

    @classmethod
    def of(cls, row: Row) -> "Finding":
        """A row of ``finding_reads``."""
        return cls(**_fields(row))


class Findings(Wire):
    """A page of findings."""

    items: list[Finding]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")


class FindingEvent(Wire):
    """What became of a finding. Events are never changed."""

    happened_at: Instant
    actor: str = Field(description="A person, or `pipeline`.", examples=["ann"])
    event: Event
    note: str | None = Field(examples=["the fan is ordered"])
    revision: int = Field(description="Of the finding, with this event.", examples=[2])
    details: dict[str, Any] = Field(
        description="As it was then.", examples=[{"day": "2026-02-14", "severity": "warning", "costPerMonth": 12.4}]
    )

    @classmethod
    def of(cls, row: Row) -> "FindingEvent":
        """A row of ``list_events``."""
        details = {to_camel(name): value for name, value in _rounded(row["details"]).items()}
        return cls.model_validate({**row, "details": details})


class FindingEvidence(Wire):
    """What it is based on, of the newest 90 days; the newest 50 of each."""

    sessions: list[ChargingSession]
    standby: list[StandbyDay] = Field(description="Of a meter that draws more between sessions (R4): its days since.")
    efficiency_ratio: float | None = Field(
        description="DC / AC of those sessions that tell of efficiency.", examples=[0.8612]
    )
    expected_ratio: float | None = Field(
        description="What it would be without the points that are lost.", examples=[0.9022]
    )


class FindingDetails(Finding):
    """A finding with its evidence and all that happened to it."""

    evidence: FindingEvidence
    events: list[FindingEvent]


def details_of(row: Row, evidence: FindingEvidence, events: list[FindingEvent]) -> FindingDetails:
    """A row of ``finding_reads`` with what belongs to it."""
    return FindingDetails(**_fields(row), evidence=evidence, events=events)


_DIGITS = {
    **dict.fromkeys(("points", "z", "cost", "cost_per_month"), 2),
    **dict.fromkeys(("excess_kwh", "excess_low_kwh", "excess_high_kwh", "kwh_per_month", "cause_probability"), 3),
}


def _fields(row: Row) -> dict[str, Any]:
    told = _rounded(finding_fields(row))
    del told["session_ids"]  # the evidence has the sessions themselves
    return told


def _rounded(told: dict[str, Any]) -> dict[str, Any]:
    return told | {name: rounded(told[name], digits) for name, digits in _DIGITS.items() if name in told}
