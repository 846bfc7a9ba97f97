"""Tells people what they should look at, such as a failed run: a line in the terminal and the log, and a webhook."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import httpx
import typer

from warehouse.contract.redaction import redacted

MARK = "ALERT: "
"""What begins a line that a supervisor shows in its terminal."""
ANSWERS_WITHIN_S = 5.0


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


def send(alert: Alert, webhook: str | None) -> None:
    """Say it on stderr, and POST it as JSON. A webhook that does not take it is said too, and stops nothing."""
    tell(alert.text)
    deliver(as_json(alert), webhook, tell)


def deliver(fields: Mapping[str, str], webhook: str | None, say: Callable[[str], None]) -> None:
    """POST these fields as JSON, where a webhook is set. ``say`` is told where it does not take them."""
    if not webhook:
        return
    try:
        # Its status alone is read: an answer may have no end. Where it leads to is not asked.
        with httpx.stream(
            "POST", webhook, json=dict(fields), timeout=ANSWERS_WITHIN_S, follow_redirects=False
        ) as answer:
            problem = "" if answer.is_success else f"it answered {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        problem = str(error) or type(error).__name__
    if problem:  # without the address, which is a secret to many a chat program
        say(f"the webhook of FLEET_ALERT_WEBHOOK did not take this: {problem}")


def as_json(alert: Alert) -> dict[str, str]:
    """What is sent: ``text`` is what chat programs show."""
    fields = {name: redacted(value) for name, value in asdict(alert).items()}
    return {"text": alert.text, "runId": fields.pop("run_id"), **fields}


def tell(text: str) -> None:
    """Say it on stderr, in one line that a supervisor shows."""
    typer.echo(MARK + redacted(" ".join(text.split())), err=True)
