"""Messages on their way to a channel, and what became of each: the outbox and the delivery log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from warehouse import sqlfiles
from warehouse.counted import counted

_PACKAGE = "warehouse.postgres.alerts"


TRIED_FOR = timedelta(days=1)
"""A message that nobody took for so long is given up."""
WAITS_AT_MOST = timedelta(hours=2)
"""Nobody puts a message off for longer: what waits beyond that was put off by a clock that was wrong, and is due."""


class DeliveryState(StrEnum):
    """Where a message stands on a channel. ``dead``: it was given up."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True)
class TakenDelivery:
    """A message that whoever has this is to send now. ``attempts``: with this one."""

    delivery_id: int
    channel: str
    idempotency_key: str
    message: Mapping[str, Any]
    gives_up_at: datetime
    attempts: int


@dataclass(frozen=True)
class Attempt:
    """When one ended, and what it brought, in words."""

    ended_at: datetime
    said: str


@dataclass(frozen=True)
class Delivery:
    """A message in the log. ``said``: what the last attempt brought, in words; ``log``: each attempt."""

    delivery_id: int
    channel: str
    idempotency_key: str
    kind: str
    subject: str
    created_at: datetime
    state: str
    attempts: int
    next_attempt_at: datetime | None
    ended_at: datetime | None
    said: str | None
    log: list[Attempt]


@dataclass(frozen=True)
class ChannelOverview:
    """What one channel has not taken; ``said``: what the newest attempt brought."""

    channel: str
    waiting: int
    dead: int
    oldest_at: datetime
    said: str | None

    @property
    def words(self) -> str:
        """In a line."""
        waits = counted(self.waiting, "message waits", "messages wait") if self.waiting else ""
        dead = f"{counted(self.dead, 'message was', 'messages were')} given up" if self.dead else ""
        since = f"the oldest of {self.oldest_at:%Y-%m-%d %H:%M}Z"
        return f"{self.channel}: {' and '.join(filter(None, [waits, dead]))}, {since}: {self.said or 'not tried yet'}"


def is_message_there(connection: psycopg.Connection, key: str) -> bool:
    """Whether a message of this key is on its way, or was, on any channel."""
    return connection.execute(sqlfiles.load(_PACKAGE, "find_message"), {"key": key}).fetchone() == (True,)


def add_deliveries(
    transaction: psycopg.Connection, channels: Iterable[str], key: str, message: Mapping[str, Any], now: datetime
) -> None:
    """Put a message on its way to each channel; one that is on its way there already stays as it is."""
    rows = [{"channel": channel, "key": key, "message": Jsonb(message), **_from(now)} for channel in channels]
    with transaction.cursor() as cursor:
        cursor.executemany(sqlfiles.load(_PACKAGE, "add_delivery"), rows)


def take_delivery(connection: psycopg.Connection, now: datetime, lease_ends_at: datetime) -> TakenDelivery | None:
    """Take the next one that is due, ``None`` if there is none. Until the lease ends nobody else takes it."""
    parameters = {"now": now, "latest": now + WAITS_AT_MOST, "lease_ends_at": lease_ends_at}
    with connection.cursor(row_factory=class_row(TakenDelivery)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "take_delivery"), parameters).fetchone()


def end_attempt(
    connection: psycopg.Connection,
    taken: TakenDelivery,
    state: DeliveryState,
    said: str,
    now: datetime,
    next_attempt_at: datetime | None = None,
) -> None:
    """Note what the attempt brought; ``next_attempt_at`` where there is to be another."""
    parameters = {
        "delivery_id": taken.delivery_id,
        "attempts": taken.attempts,
        "state": state,
        "said": said,
        "next_attempt_at": next_attempt_at or now,
        "ended_at": None if state is DeliveryState.WAITING else now,
        "now": now,
    }
    connection.execute(sqlfiles.load(_PACKAGE, "end_attempt"), parameters)


def put_off(connection: psycopg.Connection, channel: str, now: datetime, again_at: datetime) -> None:
    """Leave a channel alone until then: what else is due there waits too."""
    parameters = {"channel": channel, "now": now, "latest": now + WAITS_AT_MOST, "again_at": again_at}
    connection.execute(sqlfiles.load(_PACKAGE, "change_due_to_later"), parameters)


def revive_dead(connection: psycopg.Connection, now: datetime) -> int:
    """Put what was given up on its way again, for another day; returns how many."""
    return connection.execute(sqlfiles.load(_PACKAGE, "change_dead_to_waiting"), _from(now)).rowcount


def list_deliveries(connection: psycopg.Connection, most: int, state: DeliveryState | None = None) -> list[Delivery]:
    """The newest messages of the log."""
    with connection.cursor(row_factory=dict_row) as cursor:
        parameters = {"most": most, "state": state}
        rows = cursor.execute(sqlfiles.load(_PACKAGE, "list_deliveries"), parameters).fetchall()
    return [Delivery(**{**row, "log": [_attempt(**each) for each in row["log"]]}) for row in rows]


def channel_overviews(connection: psycopg.Connection) -> list[ChannelOverview]:
    """The channels that have not taken something."""
    with connection.cursor(row_factory=class_row(ChannelOverview)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "summarize_deliveries")).fetchall()


def forget_deliveries(connection: psycopg.Connection, before: datetime) -> int:
    """Forget what ended before then; returns how many."""
    return connection.execute(sqlfiles.load(_PACKAGE, "forget_deliveries"), {"before": before}).rowcount


def _from(now: datetime) -> dict[str, datetime]:
    return {"now": now, "gives_up_at": now + TRIED_FOR}


def _attempt(ended_at: str, said: str) -> Attempt:
    return Attempt(datetime.fromisoformat(ended_at), said)
