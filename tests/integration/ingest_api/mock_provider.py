"""An identity provider that others have made (oidc-provider-mock), as a process of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.no_tls import NO_TLS
from tests.ports import free_port

MARIA, OTTO = "u1", "u2"
"""Subjects: one who operates, and one whom no role is given."""
_PEOPLE = (
    '{"sub": "u1", "preferred_username": "maria", "realm_access": {"roles": ["fleet-ops", "others"]}}',
    '{"sub": "u2", "preferred_username": "otto"}',
)


@contextmanager
def mock_provider() -> Iterator[str]:
    """Start it, wait until it answers; yields its issuer."""
    port = free_port()
    people = [word for each in _PEOPLE for word in ("--user-claims", each)]
    command = ["-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true", *people]
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        while True:
            assert process.poll() is None, "the provider did not start"
            try:
                httpx.get(f"{url}/.well-known/openid-configuration", verify=NO_TLS, trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


def settings_of(issuer: str) -> dict[str, Any]:
    """What an API says to let people in by it."""
    return {
        "oidc_issuer": issuer,
        "oidc_client_id": "fleetwatt",
        "oidc_client_secret": "of the client",
        "oidc_role_claim": "realm_access.roles",
        "oidc_roles": "fleet-ops=operator,fleet-admins=admin",
    }
