"""Who sent a request, for the quarantine."""

from dataclasses import dataclass

from starlette.types import Scope

from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.request_id import request_id


@dataclass(frozen=True, slots=True)
class RequestSender:
    """The sender of the request of a scope, looked at only where something is refused."""

    scope: Scope
    clients: ClientAddresses

    @property
    def client_address(self) -> str | None:
        """The address it came from; ``None``: by a socket file."""
        return self.clients.address_of(self.scope) or None

    @property
    def request_id(self) -> str:
        """What the request is called."""
        return request_id(self.scope)
