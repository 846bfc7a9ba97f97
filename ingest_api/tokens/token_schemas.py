"""How tokens are asked for and shown."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ingest_api.http.wire import ONLY_KNOWN_FIELDS, Instant, Wire, refuse_unknown_fields
from warehouse.contract.durations import DURATION_PATTERN, DURATION_WORDS, parse_duration
from warehouse.contract.tokens import DEVICES_PATTERN, Scope
from warehouse.postgres.access.token_store import LONGEST_NAME, MOST_DEVICES, OVERLAP, TokenRequest


def _checked_duration(text: str) -> str:
    parse_duration(text)
    return text


_Duration = Annotated[
    str, AfterValidator(_checked_duration), Field(json_schema_extra={"pattern": f"^{DURATION_PATTERN}$"})
]
_Devices = Annotated[str, Field(json_schema_extra={"pattern": f"^{DEVICES_PATTERN}$"})]
"""Checked where tokens are made, as the command line's are."""


class WantedToken(Wire):
    """A token that is to be made, as by ``fleetwatt tokens create``."""

    model_config = ONLY_KNOWN_FIELDS

    name: str = Field(
        min_length=1, max_length=LONGEST_NAME, description="Whose it is: one for each machine.", examples=["charger 7"]
    )
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope), description="What it may.", examples=[["ingest"]])
    devices: list[_Devices] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_DEVICES,
        description="With `ingest` alone: whose readings it may send, by their ids or by beginnings of ids with a `*`. "
        "`null`: everybody's.",
        examples=[["meter-7", "site-7-*"]],
    )
    expires: _Duration | None = Field(
        default=None, description=f"Valid for so long: {DURATION_WORDS}. `null`: without end.", examples=["90d"]
    )

    _known = model_validator(mode="before")(refuse_unknown_fields)

    def request(self) -> TokenRequest:
        """As the store takes it."""
        return TokenRequest(
            self.name, self.scopes, self.devices, None if self.expires is None else parse_duration(self.expires)
        )


class Rotation(Wire):
    """How a token is replaced."""

    model_config = ONLY_KNOWN_FIELDS

    overlap: _Duration | None = Field(
        default=None, description="The old one works for so long yet. `null`: 24 hours.", examples=["24h"]
    )

    _known = model_validator(mode="before")(refuse_unknown_fields)

    @property
    def overlaps(self) -> timedelta:
        """As the store takes it."""
        return OVERLAP if self.overlap is None else parse_duration(self.overlap)


class MadeToken(Wire):
    """A token that was just made. It is shown this once: only a hash of its secret is kept."""

    token_id: str = Field(description="By which it is listed, revoked and rotated.", examples=["k3Jd82Lq"])
    token: str = Field(description="To be sent as `Authorization: Bearer ...`.", examples=["flt_k3Jd82Lq_..."])


class Token(Wire):
    """What is known of a token; never its secret."""

    token_id: str = Field(examples=["k3Jd82Lq"])
    name: str = Field(examples=["charger 7"])
    scopes: list[Scope] = Field(examples=[["ingest"]])
    devices: list[str] | None = Field(description="`null`: all.", examples=[["meter-7"]])
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None = Field(description="To the hour.")
    revoked_at: Instant | None
    state: Literal["valid", "expired", "revoked"]


class Tokens(Wire):
    """A page of tokens."""

    items: list[Token]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")
