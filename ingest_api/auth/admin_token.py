"""Who may change devices and mappings: whoever knows the administrator's token, or everyone where none is set."""

import secrets
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ingest_api.http.parts import part_of
from ingest_api.settings import ApiSettings
from warehouse.contract.errors import NotAuthorizedError

_bearer = HTTPBearer(auto_error=False, description="Only where FLEET_ADMIN_TOKEN is set.")


def require_admin(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    """Let the administrator pass.

    Raises:
        NotAuthorizedError: a token is set, and this request does not carry it.
    """
    token = part_of(request, ApiSettings).admin_token
    if token is None:
        return
    given = credentials.credentials if credentials else ""
    if not secrets.compare_digest(given.encode(), token.get_secret_value().encode()):
        raise NotAuthorizedError("send the administrator's token as Authorization: Bearer <FLEET_ADMIN_TOKEN>")
