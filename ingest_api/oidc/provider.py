"""The provider: where it is asked, by which keys it signs, and what it says of somebody who comes back from it."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlencode

from ingest_api.http.rate_limit import RateLimit
from ingest_api.oidc.attempt import Attempt
from ingest_api.oidc.fetching import fetch
from ingest_api.oidc.id_token import UnknownKeyError, verified_claims
from ingest_api.settings import ApiSettings
from warehouse.contract.errors import ProviderRefusedError, ProviderUnavailableError
from warehouse.origins import is_safe_address

logger = logging.getLogger(__name__)

MOST_A_MINUTE = 60
SCOPES = "openid profile email"
CALLBACK = "/login/provider/back"
KNOWN_FOR_S = 3600.0
ASKED_AGAIN_AFTER_S = 10.0
"""For keys that are not known: whoever makes up their names must not have us ask all day."""
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Provider:
    """Asks it. What it says of itself is known for an hour, its keys too."""

    def __init__(self, issuer: str, client_id: str, secret: str | None, redirect_uri: str) -> None:
        """``redirect_uri``: where it leads people back to, as it was told beforehand."""
        self.issuer = issuer
        self._client_id = client_id
        self._secret = secret
        self._redirect_uri = redirect_uri
        self.attempts = RateLimit(MOST_A_MINUTE, "sign-in")
        """Of each client: with each we ask the provider."""
        self._about: Mapping[str, Any] = {}
        self._keys: Mapping[str, Any] = {}
        self._about_at = self._keys_at = -KNOWN_FOR_S

    @classmethod
    def of(cls, settings: ApiSettings) -> Self | None:
        """By these settings; ``None``: there is none."""
        if settings.oidc_issuer is None or settings.oidc_client_id is None:
            return None
        secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else None
        return cls(settings.oidc_issuer, settings.oidc_client_id, secret, f"{settings.api_url}{CALLBACK}")

    async def address(self, attempt: Attempt) -> str:
        """Where this attempt leads to. Raises ProviderUnavailableError."""
        about = await self._known()
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPES,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        where: str = about["authorization_endpoint"]
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"

    async def claims(self, attempt: Attempt, code: str) -> dict[str, Any]:
        """What it says of who comes back with this code.

        Raises:
            ProviderUnavailableError: it does not answer.
            ProviderRefusedError: it knows no such code, or says nothing that can be believed.
        """
        about = await self._known()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": attempt.verifier,
        }
        basic = None
        if self._secret is None:
            form["client_id"] = self._client_id
        elif "client_secret_basic" in about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            basic = (self._client_id, self._secret)
        else:
            form |= {"client_id": self._client_id, "client_secret": self._secret}
        token = (await fetch(about["token_endpoint"], form, basic)).get("id_token")
        if not isinstance(token, str):
            raise ProviderRefusedError("the identity provider does not say who you are; begin again")
        try:
            return verified_claims(token, await self._signs_by(), self.issuer, self._client_id, attempt.nonce)
        except UnknownKeyError:  # it may have another one since
            return await self._with_new_keys(token, attempt)

    async def _with_new_keys(self, token: str, attempt: Attempt) -> dict[str, Any]:
        if time.monotonic() - self._keys_at >= ASKED_AGAIN_AFTER_S:
            self._keys_at = -KNOWN_FOR_S
        try:
            return verified_claims(token, await self._signs_by(), self.issuer, self._client_id, attempt.nonce)
        except UnknownKeyError as error:
            raise ProviderRefusedError("the identity provider signs by a key that it does not name") from error

    async def _known(self) -> Mapping[str, Any]:
        if time.monotonic() - self._about_at >= KNOWN_FOR_S:
            about = await fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            usable = all(isinstance(about.get(name), str) and is_safe_address(about[name]) for name in _NEEDED)
            if about.get("issuer") != self.issuer or not usable:
                logger.warning("%s does not say that it is the issuer, or names addresses without TLS", self.issuer)
                raise ProviderUnavailableError("the identity provider is not set up as FLEET_OIDC_ISSUER says")
            self._about, self._about_at = about, time.monotonic()
        return self._about

    async def _signs_by(self) -> Mapping[str, Any]:
        if time.monotonic() - self._keys_at >= KNOWN_FOR_S:
            keys = await fetch((await self._known())["jwks_uri"])
            if not isinstance(keys.get("keys"), list):
                raise ProviderUnavailableError("the identity provider names no keys")
            self._keys, self._keys_at = keys, time.monotonic()
        return self._keys
