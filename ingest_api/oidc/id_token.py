"""What a provider says of somebody, once it is known that the provider says it, to us, now, of this attempt."""

import time
from collections.abc import Mapping
from typing import Any

from warehouse.contract.errors import ProviderRefusedError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""By keys of two halves alone: none has no key, and HS* would take what is public for a secret."""
CLOCKS_DIFFER_S = 60
_LONGEST_SUBJECT = 255


class UnknownKeyError(Exception):
    """The key is none of those that are known: the provider may have another one by now"""


def verified_claims(token: str, keys: Mapping[str, Any], issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core, 3.1.3.7).

    Raises:
        UnknownKeyError: it names a key that is not among these.
        ProviderRefusedError: it is not signed by the provider, or not for us, now and this attempt.
    """
    from joserfc import errors, jwt
    from joserfc.jwk import KeySet

    try:
        found = jwt.decode(token, KeySet.import_key_set({"keys": list(keys["keys"])}), algorithms=list(ALGORITHMS))
    except errors.InvalidKeyIdError as error:
        raise UnknownKeyError from error
    except (errors.JoseError, ValueError, KeyError, TypeError) as error:
        raise _refused() from error
    claims = found.claims
    registry = jwt.JWTClaimsRegistry(
        now=int(time.time()),
        leeway=CLOCKS_DIFFER_S,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        nonce={"essential": True, "value": nonce},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
    )
    try:
        registry.validate(claims)
    except errors.JoseError as error:
        raise _refused() from error
    audience, subject = claims["aud"], claims["sub"]
    is_for_others_too = isinstance(audience, list) and len(audience) > 1
    if (is_for_others_too or "azp" in claims) and claims.get("azp") != client_id:
        raise _refused()
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or claims["nonce"] != nonce:
        raise _refused()
    return dict(claims)


def _refused() -> ProviderRefusedError:
    return ProviderRefusedError("what the identity provider says of who you are cannot be believed; begin again")
