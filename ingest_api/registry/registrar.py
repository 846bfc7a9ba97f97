"""Who registers devices by a request, and how many there may be."""

from typing import NamedTuple

from fastapi import Request

from ingest_api.auth.callers import caller_of, token_id_of
from ingest_api.http.parts import part_of
from ingest_api.settings import ApiSettings
from warehouse.postgres.readings.device_quota import DeviceQuota


class Registrar(NamedTuple):
    """The limits, and the id of the token by which it is done (``None``: by none that the database knows)."""

    quota: DeviceQuota
    token_id: str | None

    @classmethod
    def of(cls, request: Request) -> "Registrar":
        """Whoever sent this request."""
        return cls(DeviceQuota.of(part_of(request, ApiSettings)), token_id_of(caller_of(request.scope)))
