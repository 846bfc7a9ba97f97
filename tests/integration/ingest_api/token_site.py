"""An API that asks everybody for a token, and who comes with which."""

from collections.abc import Callable, Mapping

from tests.factories import meter_payload, vehicle_payload
from tests.integration.ingest_api.raw_connection import RawConnection
from tests.integration.ingest_api.site import Site
from warehouse.contract.tokens import NewToken, Scope

ADMIN_TOKEN = "pass-word-of-the-administrator-01"  # noqa: S105 - a test's own
REFUSED_WITHIN_S = 5.0
REFUSED = {401, 429}
CUT_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
OF_KINDS = [(meter_payload, "meterId"), (vehicle_payload, "vehicleId")]
MakeToken = Callable[..., NewToken]
Tokens = Mapping[Scope, NewToken]


def ask(connection: RawConnection, request: bytes) -> int:
    """The status that is answered."""
    connection.send(request)
    return connection.answer().status


def headers(token: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def bearer(token: object) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {token}".encode()


def raw_post(token: object, body: bytes, more: bytes = b"") -> bytes:
    line = b"" if token is None else f"Authorization: Bearer {token}\r\n".encode()
    head = b"POST /v1/telemetry HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%b%bContent-Length: %d\r\n\r\n"
    return head % (line, more, len(body)) + body


def is_known(site: Site, token: NewToken) -> bool:
    """Whether the API has heard of it: an unknown path needs any token at all."""
    return site.client.get("/nowhere", headers=headers(token)).status_code == 404
