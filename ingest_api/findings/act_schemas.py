"""What is sent to act on a finding."""

from typing import Annotated

from pydantic import Field, model_validator

from ingest_api.http.wire import NO_NUL, ONLY_KNOWN_FIELDS, SentInstant, Wire, refuse_unknown_fields
from warehouse.postgres.findings.acts import LONGEST_NAME, LONGEST_NOTE, Act, Request

_Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=NO_NUL)]


class FindingAct(Wire):
    """Who does it, and why. The same again changes nothing."""

    model_config = ONLY_KNOWN_FIELDS

    who: _Name | None = Field(
        default=None,
        description="Whoever it is by; it stays with the event. Of somebody who is signed in the server knows it: "
        "leave it out. Everybody else says it.",
        examples=["ann"],
    )
    note: Annotated[str, Field(max_length=LONGEST_NOTE, pattern=NO_NUL)] | None = Field(
        default=None, description="Text; it stays with the event.", examples=["the fan is ordered"]
    )
    revision: int | None = Field(
        default=None,
        ge=1,
        le=2**31 - 1,
        strict=True,
        description="Of the finding that was looked at: refused (409) where somebody was quicker. Without it the act "
        "holds for whatever the finding is now.",
        examples=[1],
    )

    _known = model_validator(mode="before")(refuse_unknown_fields)

    def request(self, act: Act, actor: str) -> Request:
        """As the store takes it."""
        return Request(act, actor, self.note, revision=self.revision)


class FindingSnooze(FindingAct):
    """It is open again from an instant on."""

    until: SentInstant = Field(description="In the future.", examples=["2026-03-01T00:00:00.000Z"])

    def request(self, act: Act, actor: str) -> Request:
        """As the store takes it."""
        return Request(act, actor, self.note, until=self.until, revision=self.revision)


class FindingAssignment(FindingAct):
    """Who is to look after it."""

    assignee: _Name | None = Field(description="`null` takes it back.", examples=["bob"])

    def request(self, act: Act, actor: str) -> Request:
        """As the store takes it."""
        return Request(act, actor, self.note, to=self.assignee, revision=self.revision)
