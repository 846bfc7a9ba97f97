"""Alerts of findings as Dagster and the command line run them: decide, then send."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from orchestration.alerting.channel import Channel
from orchestration.alerting.sending import Clock, Sent, send_due
from warehouse.alert_settings import AlertSettings
from warehouse.alerts.outbox import Decided, decide_alerts


@dataclass(frozen=True)
class Alerted:
    """What was decided, and what became of what was due."""

    decided: Decided
    sent: Sent


def alert_of_findings(
    connection: psycopg.Connection, channels: Sequence[Channel], settings: AlertSettings, clock: Clock
) -> Alerted:
    """Tell what is to be told. Safe to repeat, and to run twice at once; ``connection`` is in autocommit."""
    decided = decide_alerts(connection, [channel.name for channel in channels], settings, clock())
    return Alerted(decided, send_due(connection, channels, clock))
