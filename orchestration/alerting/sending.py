"""Sends what is on its way: each message on each channel until it is taken, for a day, then it is given up and told."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from orchestration.alerting.alerts import tell
from orchestration.alerting.channel import Channel, Outcome
from warehouse.alerts.message import Message
from warehouse.contract.redaction import redacted
from warehouse.postgres.alerts.deliveries import (
    DeliveryState,
    TakenDelivery,
    end_attempt,
    put_off,
    take_delivery,
)

LEASE = timedelta(minutes=5)
"""Longer than any channel takes for an attempt. Who dies within one leaves its message to others after that."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 3600.0
"""Each further attempt waits twice as long as the one before, up to an hour, and a random part of that less."""

Clock = Callable[[], datetime]


@dataclass
class Sent:
    """What became of the messages that were due."""

    sent: int = 0
    put_off: int = 0
    given_up: int = 0


def _utc_now() -> datetime:
    return datetime.now(UTC)


def send_due(connection: psycopg.Connection, channels: Sequence[Channel], clock: Clock = _utc_now) -> Sent:
    """Send what is due. ``connection`` is in autocommit: nothing is held while a channel takes its time.

    A channel that does not take one message is left alone for a while. Two of these at once share the work.
    """
    by_name = {channel.name: channel for channel in channels}
    sent = Sent()
    while taken := take_delivery(connection, clock(), clock() + LEASE):
        channel = by_name.get(taken.channel)
        message = Message.of_stored(taken.idempotency_key, taken.message)
        outcome = channel.send(message, clock()) if channel else Outcome("this channel is not set any more")
        _note(connection, taken, outcome, clock(), sent)
    return sent


def pause(attempts: int, at_least_s: int, jitter: Callable[[], float] = random.random) -> timedelta:
    """How long to wait after so many attempts; ``jitter``: 0..1, so that senders who failed together part."""
    longest_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (min(attempts, 20) - 1))
    return timedelta(seconds=max(at_least_s, longest_s * (0.5 + jitter() / 2)))


def _note(connection: psycopg.Connection, taken: TakenDelivery, outcome: Outcome, now: datetime, sent: Sent) -> None:
    if outcome.is_taken:
        end_attempt(connection, taken, DeliveryState.SENT, redacted(outcome.remark) or "taken", now)
        sent.sent += 1
        return
    problem = redacted(outcome.problem)
    again_at = now + pause(taken.attempts, outcome.retry_after_s)
    put_off(connection, taken.channel, now, again_at)
    if now < taken.gives_up_at:
        end_attempt(connection, taken, DeliveryState.WAITING, problem, now, min(again_at, taken.gives_up_at))
        sent.put_off += 1
        return
    end_attempt(connection, taken, DeliveryState.DEAD, problem, now)
    sent.given_up += 1
    tell(
        f"the {taken.channel} did not take a message within a day, and it was given up: {problem}. "
        "fleetwatt alerts list shows it, fleetwatt alerts send --dead tries again"
    )
