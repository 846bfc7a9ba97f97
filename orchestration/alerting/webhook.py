"""The webhook for programs: the whole message as JSON, signed where there is a secret.

Signed as https://www.standardwebhooks.com has it, so that receivers can take one of the libraries that there are.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from orchestration.alerting.channel import Outcome
from orchestration.alerting.http_post import post
from warehouse.alert_settings import signing_key
from warehouse.alerts.message import Message


@dataclass(frozen=True)
class WebhookChannel:
    """POSTs to ``url``; ``secret``: ``whsec_`` and base64."""

    url: str
    secret: str | None = None
    name: ClassVar[str] = "webhook"
    setting: ClassVar[str] = "FLEET_ALERT_WEBHOOK"

    def send(self, message: Message, now: datetime) -> Outcome:
        """Try once. ``now`` is what the signature is dated with: receivers refuse old ones."""
        body = message.body.encode()
        timestamp = int(now.timestamp())
        headers = {"webhook-id": message.key, "webhook-timestamp": str(timestamp), "Idempotency-Key": message.key}
        if self.secret:
            headers["webhook-signature"] = signature(self.secret, message.key, timestamp, body)
        return post(self.url, body, headers)


def signature(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the base64 of the HMAC-SHA256 of ``key.timestamp.body``."""
    digest = hmac.digest(signing_key(secret), f"{key}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"
