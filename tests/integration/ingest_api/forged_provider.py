"""An identity provider that says whatever a test has it say, over HTTP."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID = "fleetwatt-of-tests"
CLIENT_SECRET = "secret of the client: +/%&"  # noqa: S105 - a test's own


class ForgedProvider:
    """Hands out one code at a time. Tests change what it says before they come back with it."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.issuer = f"http://127.0.0.1:{server.server_port}"
        self.key = self.new_key()
        self.signing = self.key
        """Otherwise than it says."""
        self.algorithm = "RS256"
        self.header: dict[str, Any] = {}
        self.changes: dict[str, Any] = {}
        """Of the claims; ``None`` takes one away."""
        self.about: dict[str, Any] = {}
        self.token: str | None = None
        """In place of one that is made."""
        self.asked: list[dict[str, str]] = []
        self.authorizations: list[str | None] = []
        self._nonce = self._challenge = ""

    @staticmethod
    def new_key() -> RSAKey:
        return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)

    def let_in(self, location: str) -> dict[str, str]:
        """What a person does there; returns the answer's parameters."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert location.startswith(f"{self.issuer}/authorize?")
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert (asked["client_id"], asked["scope"]) == (CLIENT_ID, "openid profile email")
        self._nonce, self._challenge = asked["nonce"], asked["code_challenge"]
        return {"code": "a code", "state": asked["state"]}

    def answer(self, path: str) -> dict[str, Any]:
        """To a GET."""
        if path == "/jwks":
            return KeySet([self.key]).as_dict(private=False)  # type: ignore[return-value]
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        where = {name: f"{self.issuer}/{path}" for name, path in names.items()}
        return {"issuer": self.issuer, **where, **self.about}

    def exchange(self, form: dict[str, str], authorization: str | None) -> tuple[int, dict[str, Any]]:
        """A code for a token, once and for who has the verifier."""
        self.asked.append(form)
        self.authorizations.append(authorization)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if form["code"] != "a code" or _base64url(digest) != self._challenge:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            **{"iss": self.issuer, "sub": "subject-1", "aud": CLIENT_ID, "exp": now + 300, "iat": now},
            **{"nonce": self._nonce, "preferred_username": "maria", "roles": ["operator"]},
            **self.changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.token or self._signed(claims)}

    def _signed(self, claims: dict[str, Any]) -> str:
        header = {"alg": self.algorithm, "kid": self.signing.kid, **self.header}
        if self.algorithm not in ("none", "HS256"):
            return jwt.encode(header, claims, self.signing, algorithms=[self.algorithm])
        signed = ".".join(_base64url(json.dumps(each).encode()) for each in (header, claims))
        public = self.key.as_pem(private=False)  # what everybody knows of the key, taken for a secret
        return (
            f"{signed}.{_base64url(hmac.digest(public, signed.encode(), 'sha256')) if self.algorithm != 'none' else ''}"
        )


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def forged_provider() -> Iterator[ForgedProvider]:
    """Until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(200, provider.answer(self.path))

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(sent).items()}
            self._say(*provider.exchange(form, self.headers["authorization"]))

        def _say(self, status: int, said: dict[str, Any]) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = ForgedProvider(server)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
