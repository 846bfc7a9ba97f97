"""The settings of the HTTP tier, on top of those every part shares."""

from typing import Self

from pydantic import ByteSize, Field, ValidationInfo, field_validator, model_validator

from ingest_api.bodies.limits import Limits
from ingest_api.http.client_address import Network, networks_of
from ingest_api.http.cors import origins_of
from warehouse.contract.efficiency import THRESHOLD_RATIO
from warehouse.contract.users import roles_of
from warehouse.origins import is_safe_address, normal
from warehouse.settings import SecretSettings

_MEBIBYTE = 1024 * 1024
_BYTES_A_READING = 1024
"""Several times what one has."""


class ApiSettings(SecretSettings):
    """How many processes serve, and what they accept."""

    register_unknown_devices: bool = Field(
        default=True, description="Register a device on its first reading; false: refuse it (422 unknown_device)."
    )
    fast_path: bool = Field(
        default=True,
        description="Answer single readings in the HTTP protocol; false: in the application, as anything else.",
    )
    efficiency_threshold: float = Field(
        default=THRESHOLD_RATIO, gt=0, le=1, description="A 24 h efficiency below this is reported as below_threshold."
    )

    max_body_bytes: ByteSize = Field(
        default=ByteSize(2 * _MEBIBYTE), ge=1024, description="A JSON body as it is sent, or one NDJSON line."
    )
    max_decoded_bytes: ByteSize = Field(
        default=ByteSize(8 * _MEBIBYTE), ge=1024, description="A compressed JSON body when it is decoded."
    )
    max_items: int = Field(
        default=10_000, ge=1, le=100_000, description="Items of an array; lines of a stream in one transaction."
    )
    max_stream_bytes: ByteSize = Field(
        default=ByteSize(256 * _MEBIBYTE), ge=1024, description="An NDJSON stream, as it is sent and decoded."
    )
    max_held_bytes: ByteSize = Field(
        default=ByteSize(128 * _MEBIBYTE), ge=1024, description="All bodies that are being read or stored at a time."
    )
    max_connections: int = Field(
        default=10_000, ge=1, description="Connections at a time; fewer where the system allows fewer open files."
    )
    max_connections_per_address: int | None = Field(
        default=None, ge=1, description="Of one client, told by its address. Unset: half of all that there may be."
    )
    max_waiting_readings: int = Field(
        default=200_000, ge=1, description="Readings that wait to be stored: about what can be in time."
    )
    max_readings_per_minute: int | None = Field(
        default=None, ge=1, description="Items of one client, told by its address, good or bad. Unset: no limit."
    )
    max_bytes_per_minute: ByteSize | None = Field(
        default=None, ge=1024, description="Of one client, decoded. Unset: 1 KiB for each reading that it may send."
    )
    dagster_url: str | None = Field(
        default=None, description="Where the API finds Dagster's web server. Unset: at its port of this machine."
    )

    oidc_issuer: str | None = Field(
        default=None,
        description="The identity provider that people may sign in by, e.g. https://id.example/realms/fleet.",
    )
    oidc_client_id: str | None = Field(default=None, description="What the API is called there.")
    oidc_role_claim: str = Field(
        default="roles", min_length=1, description="The claim that gives a role; of claims in claims a path with dots."
    )
    oidc_roles: str = Field(
        default="viewer=viewer,operator=operator,admin=admin",
        description="Which role its values stand for, by commas; who has several gets the one that may most.",
    )

    trusted_proxies: str = Field(
        default="", description="Addresses and networks of proxies whose X-Forwarded-For is believed, by commas."
    )

    cors_origins: str = Field(
        default="",
        description="Origins whose pages may read /v1 in a browser, by commas. Unset: its own alone.",
    )

    @property
    def origins(self) -> frozenset[bytes]:
        """Whose pages may read."""
        return origins_of(self.cors_origins)

    @property
    def limits(self) -> Limits:
        """What one request may hold."""
        return Limits(self.max_body_bytes, self.max_decoded_bytes, self.max_items, self.max_stream_bytes)

    @property
    def bytes_per_minute(self) -> int | None:
        """What a client may send a minute."""
        if self.max_bytes_per_minute is None and self.max_readings_per_minute is not None:
            return self.max_readings_per_minute * _BYTES_A_READING
        return self.max_bytes_per_minute

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """The proxies; an address is a network of one."""
        return networks_of(self.trusted_proxies)

    @field_validator("cors_origins")
    @classmethod
    def _name_pages(cls, origins: str) -> str:
        origins_of(origins)
        return origins

    @field_validator("oidc_issuer")
    @classmethod
    def _is_an_issuer(cls, issuer: str | None) -> str | None:
        if issuer and (not is_safe_address(issuer) or "?" in issuer or "#" in issuer):
            raise ValueError("an issuer is an address of https:// (or of this machine), without ? and #")
        return issuer

    @field_validator("oidc_roles")
    @classmethod
    def _give_roles(cls, roles: str) -> str:
        roles_of(roles)
        return roles

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise ValueError("oidc_issuer and oidc_client_id go together: set both, or neither")
        return self

    @field_validator("dagster_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        return normal(url) if url else None

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: str) -> str:
        networks_of(proxies)
        return proxies

    @field_validator("max_held_bytes")
    @classmethod
    def _holds_one_body(cls, held_bytes: ByteSize, info: ValidationInfo) -> ByteSize:
        """As it is sent, as it is decoded, and the window of its decoder."""
        if held_bytes < info.data.get("max_body_bytes", 0) + 2 * info.data.get("max_decoded_bytes", 0):
            raise ValueError("less than one body: max_body_bytes and twice max_decoded_bytes")
        return held_bytes
