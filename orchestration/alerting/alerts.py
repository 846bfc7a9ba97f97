"""Tells people what they should look at, such as a failed run: a line in the terminal and the log, and a message."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import typer

from orchestration.alerting.channel import Channel
from warehouse.alerts.message import Message
from warehouse.contract.redaction import redacted

MARK = "ALERT: "
"""What begins a line that a supervisor shows in its terminal."""


@dataclass(frozen=True)
class Alert:
    """A failed run. ``day`` is empty where it was not a day's; ``url`` leads to it in Dagster's UI."""

    what: str
    day: str
    run_id: str
    reason: str
    url: str

    @property
    def text(self) -> str:
        """All of it in a sentence or two."""
        what = f"{self.what} of {self.day}" if self.day else self.what
        return redacted(f"{what} failed: {self.reason.rstrip('.')}. See {self.url}")


def send(alert: Alert, channels: Sequence[Channel]) -> None:
    """Say it on stderr, and to each channel. One that does not take it is said too, and stops nothing."""
    tell(alert.text)
    deliver(as_message(alert), channels, tell)


def deliver(message: Message, channels: Sequence[Channel], say: Callable[[str], None]) -> None:
    """Send it to each channel, once. ``say`` is told which of them does not take it."""
    for channel in channels:
        outcome = channel.send(message, datetime.now(UTC))
        if outcome.problem:  # without the address, which is a secret to many a chat program
            say(f"the {channel.name} of {channel.setting} did not take this: {outcome.problem}")
        if outcome.remark:
            say(f"the {channel.name} of {channel.setting} took this, but not for all: {outcome.remark}")


def as_message(alert: Alert) -> Message:
    """What is sent of a failed run."""
    fields = asdict(alert)
    return Message(
        kind="run.failed",
        subject=f"Fleetwatt: {alert.what} failed",
        text=alert.text,
        fields={"runId": fields.pop("run_id"), **fields},
        key=f"run_{alert.run_id}",
    )


def tell(text: str) -> None:
    """Say it on stderr, in one line that a supervisor shows."""
    typer.echo(MARK + redacted(" ".join(text.split())), err=True)
