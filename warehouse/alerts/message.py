"""What people are told, whichever way it goes to them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

from warehouse.contract.redaction import redacted


@dataclass(frozen=True)
class Message:
    """One thing that is told.

    ``kind``: what it is about, for programs (``run.failed``). ``subject``: a line. ``text``: all of it, which may have
    several lines. ``fields``: the same for programs, as JSON has it. ``key``: equal for each attempt, so that whoever
    gets it twice can tell; no full stop is in it, by which signatures divide.
    """

    kind: str
    subject: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    key: str = field(default_factory=lambda: f"msg_{uuid4().hex}")

    @property
    def body(self) -> str:
        """The JSON that a webhook is sent. ``text`` is what many chats show."""
        said = {"text": self.text, "type": self.kind, "timestamp": self.at.isoformat(), **self.fields}
        return redacted(json.dumps(said, separators=(",", ":"), allow_nan=False))

    @property
    def stored(self) -> dict[str, Any]:
        """As it is kept until it is sent."""
        told = {"kind": self.kind, "subject": self.subject, "text": self.text}
        return {**told, "fields": dict(self.fields), "at": self.at.isoformat()}

    @classmethod
    def of_stored(cls, key: str, stored: Mapping[str, Any]) -> Self:
        """The same again."""
        at = datetime.fromisoformat(stored["at"])
        return cls(stored["kind"], stored["subject"], stored["text"], stored["fields"], at, key)
