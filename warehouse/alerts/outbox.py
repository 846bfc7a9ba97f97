"""Decides what is told of findings, and puts it on its way: an outbox, written in one transaction with the decisions.

Safe to repeat and to run twice at once: an event is decided on once, and a message is put on its way once a channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from warehouse.alert_settings import AlertSettings
from warehouse.alerts.decide import Today, decide
from warehouse.alerts.message import Message
from warehouse.alerts.words import digest_key, digest_message, finding_message, storm_key, storm_message
from warehouse.postgres.alerts.alert_events import (
    MOST_AT_ONCE,
    Outcome,
    alert_work,
    count_told,
    digest_events,
    lock_alerts,
    mark_digested,
    mark_events,
    open_findings,
    untold_events,
)
from warehouse.postgres.alerts.deliveries import add_deliveries, is_message_there


@dataclass
class Decided:
    """How many events were looked at, and the messages that came of them."""

    events: int = 0
    messages: int = 0


def decide_alerts(
    connection: psycopg.Connection, channels: Sequence[str], settings: AlertSettings, now: datetime
) -> Decided:
    """Look at the events that nobody has looked at, and at the digest where its hour has come.

    ``channels``: their names. Without any nothing is looked at, and where one is set later all of it is.
    """
    decided = Decided()
    is_more = bool(channels)
    while is_more:
        with connection.transaction():
            is_more = _decide_events(connection, channels, settings, now, decided)
    if channels:
        with connection.transaction():
            _make_digest(connection, channels, settings, now, decided)
    return decided


def work_to_do(connection: psycopg.Connection, settings: AlertSettings, now: datetime) -> tuple[object, ...]:
    """What there is to do now, in values that are others once it was done; empty: nothing."""
    work = alert_work(connection, digest_key(now.date()), now)
    has_digest = work.is_digest_missing and now.hour >= settings.alert_digest_hour
    if not (work.untold or work.due_since or has_digest):
        return ()
    due = round(work.due_since.timestamp() * 1000) if work.due_since else 0
    return (work.untold or 0, due, now.date() if has_digest else "")


def _decide_events(
    transaction: psycopg.Connection, channels: Sequence[str], settings: AlertSettings, now: datetime, decided: Decided
) -> bool:
    """Decide on some; returns whether there may be more."""
    lock_alerts(transaction)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    events = untold_events(transaction, midnight, now)
    storm = settings.alert_storm
    has_storm = is_message_there(transaction, storm_key(now.date()))
    today = Today(count_told(transaction, midnight), has_storm)
    marks = decide(events, today, settings.alert_at_once, storm)
    mark_events(transaction, marks, now)
    messages = [finding_message(mark.event, now) for mark in marks if mark.outcome is Outcome.TOLD]
    if stormy := [mark.event for mark in marks if mark.outcome is Outcome.STORM]:
        messages.append(storm_message(stormy, storm, now))
    for message in messages:
        _put_on_its_way(transaction, channels, message, decided)
    decided.events += len(events)
    return len(events) == MOST_AT_ONCE


def _make_digest(
    transaction: psycopg.Connection, channels: Sequence[str], settings: AlertSettings, now: datetime, decided: Decided
) -> None:
    lock_alerts(transaction)
    if now.hour < settings.alert_digest_hour or is_message_there(transaction, digest_key(now.date())):
        return
    if events := digest_events(transaction, now):
        mark_digested(transaction, [event.event_id for event in events])
        message = digest_message(events, open_findings(transaction), now)
        _put_on_its_way(transaction, channels, message, decided)


def _put_on_its_way(
    transaction: psycopg.Connection, channels: Sequence[str], message: Message, decided: Decided
) -> None:
    add_deliveries(transaction, channels, message.key, message.stored, message.at)
    decided.messages += 1
