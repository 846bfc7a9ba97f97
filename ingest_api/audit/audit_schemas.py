"""How entries of the audit log are shown."""

from typing import Any

from pydantic import Field

from ingest_api.http.wire import Instant, Wire
from warehouse.contract.audit import ActorKind


class Actor(Wire):
    """Who did it."""

    kind: ActorKind = Field(
        description="`anonymous`: the API asked nobody who they are; `pipeline`: what runs by itself.",
        examples=["token"],
    )
    name: str | None = Field(
        description="Of the token, the user, or the account of a command line, as it was called then.",
        examples=["workshop"],
    )
    token_id: str | None = Field(
        description="`null`: it was no token, or the one of the settings.", examples=["k3Jd82Lq"]
    )


class Entry(Wire):
    """What was done, by whom. Of secrets nothing is written down."""

    entry_id: int = Field(examples=[4711])
    happened_at: Instant
    actor: Actor
    action: str = Field(examples=["device.change"])
    subject_kind: str = Field(description="What kind of thing it was done to.", examples=["meter"])
    subject: str = Field(
        description="Its id or name; `forgotten-...` stands for a device that was forgotten.", examples=["meter-7"]
    )
    before: dict[str, Any] | None = Field(
        description="What was changed, as it was; `null`: there was nothing. Long lists and texts are cut.",
        examples=[{"display_name": None}],
    )
    after: dict[str, Any] | None = Field(
        description="As it is since; `null`: there is nothing any more.",
        examples=[{"display_name": "Depot north, bay 4"}],
    )
    request_id: str | None = Field(
        description="The `X-Request-Id` of the request that did it; `null`: it came by no request.",
        examples=["5f2e7a5001998e1c"],
    )
    address: str | None = Field(
        description="Of the client, or the name of the machine whose command line it was.", examples=["10.0.0.7"]
    )


class Entries(Wire):
    """A page of entries, the newest first."""

    items: list[Entry]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")
