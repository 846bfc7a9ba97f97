"""Chats: what Slack's incoming webhooks take (Mattermost, Rocket.Chat and Google Chat too), and Teams' workflows.

Names and notes are other people's words. In neither chat can they become a link, a mention or formatting.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from orchestration.alerting.channel import Outcome
from orchestration.alerting.http_post import post
from warehouse.alerts.message import Message
from warehouse.contract.redaction import redacted
from warehouse.visible import visible

_MOST_CHARACTERS = 3900
"""Of a text: Slack cuts what is longer than 4,000, Teams refuses a card of more than 28 KB."""
_MENTIONS_ALL = re.compile(r"@(?=(?:all|channel|everyone|here)\b)", re.I)
"""What chats beside Slack take for a mention in an ordinary text."""


@dataclass(frozen=True)
class SlackChannel:
    """POSTs ``{"text": ...}``."""

    url: str
    name: ClassVar[str] = "slack"
    setting: ClassVar[str] = "FLEET_ALERT_SLACK_WEBHOOK"

    def send(self, message: Message, now: datetime) -> Outcome:  # noqa: ARG002 - these are not signed
        """Try once."""
        return post(self.url, _json({"text": slack_text(message)}), {})


@dataclass(frozen=True)
class TeamsChannel:
    """POSTs an adaptive card."""

    url: str
    name: ClassVar[str] = "teams"
    setting: ClassVar[str] = "FLEET_ALERT_TEAMS_WEBHOOK"

    def send(self, message: Message, now: datetime) -> Outcome:  # noqa: ARG002 - these are not signed
        """Try once."""
        return post(self.url, _json(teams_card(message)), {})


def slack_text(message: Message) -> str:
    """The message with the three characters escaped that begin something in Slack's markup."""
    text = _bounded(message)
    for character, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, escaped)
    return _MENTIONS_ALL.sub("@\u200b", text)


def teams_card(message: Message) -> dict[str, Any]:
    """The message as a card of rich text, whose characters Teams shows as they are: it reads no Markdown there."""
    lines = [line for line in _bounded(message).splitlines() if line.strip()]
    runs = [{"type": "TextRun", "text": line, "weight": "Default" if at else "Bolder"} for at, line in enumerate(lines)]
    body = [{"type": "RichTextBlock", "inlines": [run]} for run in runs]
    card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4"}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": {**card, "body": body}}
    return {"type": "message", "attachments": [attachment]}


def _bounded(message: Message) -> str:
    text = visible(redacted(message.text))
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 3]}..."


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()
