"""What an entry of the audit log IS: who did what to what, how that came in, and how it was before and after.

One vocabulary for the API, the command line and jobs. What changes nothing makes no entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple


class Action(StrEnum):
    """What was done: the kind of thing, and what became of it."""

    TOKEN_CREATE = "token.create"  # noqa: S105 - an action's name, as the next ones
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    TOKEN_ROTATE = "token.rotate"  # noqa: S105
    TOKEN_REPLACE = "token.replace"  # noqa: S105
    """By a start of the platform: what it runs inside has a token of its own."""
    USER_ADD = "user.add"
    USER_PASSWORD = "user.password"  # noqa: S105
    USER_ROLE = "user.role"
    USER_DISABLE = "user.disable"
    USER_ENABLE = "user.enable"
    USER_REMOVE = "user.remove"
    SESSION_BEGIN = "session.begin"
    SESSION_END = "session.end"
    SESSION_REFUSE = "session.refuse"
    """A wrong password for a user who there is; a provider's word for one who is disabled, or has no role any more."""
    DEVICE_CHANGE = "device.change"
    DEVICE_PRUNE = "device.prune"
    DEVICE_FORGET = "device.forget"
    READING_CORRECT = "reading.correct"
    MAPPING_CREATE = "mapping.create"
    MAPPING_END = "mapping.end"
    FINDING_ACKNOWLEDGE = "finding.acknowledge"
    FINDING_SNOOZE = "finding.snooze"
    FINDING_ACCEPT = "finding.accept"
    FINDING_RESOLVE = "finding.resolve"
    FINDING_REOPEN = "finding.reopen"
    FINDING_ASSIGN = "finding.assign"
    FINDING_NOTE = "finding.note"
    DAY_DROP = "day.drop"
    """Readings of a day, kept in the lake, leave PostgreSQL."""
    DATABASE_MIGRATE = "database.migrate"
    DAGSTER_CHANGE = "dagster.change"
    """Of a run, a sensor, a schedule, by Dagster's pages. It is noted before Dagster is asked."""
    COMMAND_RUN = "command.run"
    """A job that somebody began by hand, and that is more than one transaction. It is noted before it begins."""


class SubjectKind(StrEnum):
    """What kind of thing it was done to."""

    TOKEN = "token"  # noqa: S105 - a kind's name
    USER = "user"
    METER = "meter"
    VEHICLE = "vehicle"
    FINDING = "finding"
    DAY = "day"
    """Of one stream."""
    DATABASE = "database"
    DAGSTER = "dagster"
    COMMAND = "command"


class ActorKind(StrEnum):
    """Who acts."""

    TOKEN = "token"  # noqa: S105 - a kind's name
    USER = "user"
    """Somebody who is signed in."""
    COMMAND_LINE = "command line"
    """An account of the machine that ``address`` names."""
    ANONYMOUS = "anonymous"
    """The API asks nobody who they are."""
    PIPELINE = "pipeline"
    """What runs by itself."""


@dataclass(frozen=True)
class Origin:
    """Who acts, and how that came in.

    ``name``: of the user, the account or a token of the settings; of a token in the database ``token_id`` tells it.
    ``address``: the client's, or the machine's name of a command line.
    """

    kind: ActorKind
    name: str | None = None
    token_id: str | None = None
    request_id: str | None = None
    address: str | None = None

    def by_user(self, name: str) -> "Origin":
        """The same way in, by somebody who is being signed in or out."""
        return replace(self, kind=ActorKind.USER, name=name, token_id=None)


class Change(NamedTuple):
    """What one thing was before and is after; of a thing that is new or gone one of them is ``None``."""

    kind: SubjectKind
    subject: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
