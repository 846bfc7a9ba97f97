"""TLS with a certificate and a key of two files, which may be renewed while connections live.

Each new connection gets what is newest on disk. Where that cannot be used (half written, the key of another
certificate), the one before is shown on, and the log says why.
"""

import logging
import ssl
from pathlib import Path
from typing import Any

import uvloop

from warehouse.contract.errors import FleetwattError

logger = logging.getLogger(__name__)

HANDSHAKE_WITHIN_S = 10.0
"""The loop's own 60 s would let a stranger keep as many connections open as there are descriptors, of which none is
counted before its handshake is done."""


class UnusableCertificateError(FleetwattError):
    """The certificate or its key cannot be used"""

    code = "unusable_certificate"


class PromptLoop(uvloop.Loop):
    """Ends connections that do not get on with their handshake."""

    async def create_server(self, *arguments: Any, **options: Any) -> Any:
        """As the loop's own."""
        if options.get("ssl") is not None:
            options["ssl_handshake_timeout"] = HANDSHAKE_WITHIN_S
        return await super().create_server(*arguments, **options)


class CertificateFiles:
    """The newest usable certificate and key of two files."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read them. ``certificate``: PEM, with what leads to an authority behind it; ``key``: PEM, not encrypted.

        Raises:
            UnusableCertificateError: one of them cannot be read, or they do not belong together.
        """
        self._files = (certificate, key)
        self._seen = self._state()
        self._context = self._loaded()

    def listening_context(self) -> ssl.SSLContext:
        """What a server listens with. It looks at the files at each handshake."""
        self._context.sni_callback = self._choose
        return self._context

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """At the beginning of each handshake, whether or not a name is asked for."""
        seen = self._state()
        if seen != self._seen:
            self._seen = seen
            try:
                self._context = self._loaded()
                logger.info("the TLS certificate of %s was renewed", self._files[0])
            except UnusableCertificateError as error:
                logger.error("%s; the one before is shown on", error.detail)  # noqa: TRY400 - a sentence says it all
        connection.context = self._context

    def _state(self) -> list[tuple[int, int, int] | None]:
        """By which a renewed file is told; ``None``: it is not there."""
        return [_state_of(path) for path in self._files]

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        certificate, key = self._files
        try:
            context.load_cert_chain(certificate, key, password=_refuse_encrypted)
        except (OSError, ValueError) as error:
            raise UnusableCertificateError(f"certificate {certificate} and key {key}: {_why(error)}") from error
        return context


def context_of(certificate: Path, key: Path, *_of_uvicorn: object) -> ssl.SSLContext:
    """The context of a process that listens. Raises as ``CertificateFiles``."""
    return CertificateFiles(certificate, key).listening_context()


def _state_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _why(error: OSError | ValueError) -> str:
    """What the library's words mean: it has none for a file that is nothing it knows."""
    if not isinstance(error, ssl.SSLError):
        return str(error)
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is another certificate's"
    return f"one of them is not what it should be, in PEM ({error.reason or error})"


def _refuse_encrypted() -> str:
    """Asked for a password, which a service has nobody to ask for."""
    raise ValueError("the key is encrypted: write it without a password, readable by this account alone")
