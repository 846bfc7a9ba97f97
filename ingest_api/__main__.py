"""``python -m ingest_api``: serves the API until it is told to stop."""

import contextlib
import logging
import os
import signal
import socket
import ssl
import sys
from functools import partial
from typing import NoReturn

import uvicorn

from ingest_api.observability.logs import logging_config
from ingest_api.server.descriptors import raise_limit
from ingest_api.server.tls import CertificateFiles, UnusableCertificateError, context_of
from ingest_api.server.uvicorn_internals import WatchfulMultiprocess, protocol_of
from ingest_api.settings import ApiSettings
from warehouse.contract.database_roles import Role
from warehouse.contract.errors import FleetwattError
from warehouse.contract.redaction import redact_output
from warehouse.env_file import env_file, old_setting_remark
from warehouse.listening import ListeningError, asks_for_tokens, bound_sockets, warning
from warehouse.scratch_folder import scratch_folder
from warehouse.settings import InvalidSettingError, read

logger = logging.getLogger(__name__)

DRAIN_WITHIN_S = 5
NOT_STARTED = 3
"""The exit code where the application could not start, as the server has it."""
NO_TLS_KNOWN = (
    "no TLS is known to be spoken: passwords, tokens and cookies can be read on the way; set FLEET_TLS_CERT and "
    "FLEET_TLS_KEY, or put a proxy that speaks it before the API, and name it in FLEET_TRUSTED_PROXIES"
)
WORKER_ANSWERS_WITHIN_S = 60
"""The server's own 5 s kill workers that are still loading where the machine is busy."""


def main() -> None:
    """Serve with the settings of the environment.

    Ends with 0 when it was told to stop, with 2 where a setting is wrong or it cannot listen, with 3 where it
    cannot start.
    """
    redact_output()
    # The server drains and then raises the signal again, for whoever was there before: that is what ends with 0.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        settings = read(ApiSettings)
        if settings.address_of(Role.INGEST) is None:
            raise InvalidSettingError("set it, or start everything with fleetwatt up", "database_url")
        protocol = protocol_of(fast_path=settings.fast_path)
        tls = (
            partial(context_of, settings.tls_cert, settings.tls_key) if settings.tls_cert and settings.tls_key else None
        )
        if tls:
            tls()  # what cannot be used is told before anything is begun
        sockets = bound_sockets(settings.host, settings.port)
    except FleetwattError as error:
        _end(error)
    raise_limit()
    with scratch_folder("metrics") as shared:
        if settings.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)  # where the workers count together
        config = uvicorn.Config(
            "ingest_api.worker:create_worker_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            loop="ingest_api.server.tls:PromptLoop" if tls else "uvloop",
            ssl_context_factory=tls,
            http=protocol,
            ws="none",
            log_config=logging_config(),
            server_header=False,
            proxy_headers=False,  # it would believe whoever connects from this machine
            access_log=False,  # a line a request would cost more than the request
            timeout_graceful_shutdown=DRAIN_WITHIN_S,
            timeout_worker_healthcheck=WORKER_ANSWERS_WITHIN_S,
        )
        _say_where(settings)
        _serve(config, sockets)


def _tls_of(settings: ApiSettings) -> partial[ssl.SSLContext] | None:
    """What makes the context of a process that listens; ``None``: it speaks plain HTTP."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    CertificateFiles(settings.tls_cert, settings.tls_key)  # what cannot be used is told before anything is begun
    return partial(context_of, settings.tls_cert, settings.tls_key)


def _serve(config: uvicorn.Config, sockets: list[socket.socket]) -> None:
    """What ``uvicorn.run`` does, on sockets of ours."""
    if config.workers > 1:
        WatchfulMultiprocess(config, sockets=sockets).run()
        return
    config.load_app()
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=sockets)
    if not server.started:
        sys.exit(NOT_STARTED)


def _say_where(settings: ApiSettings) -> None:
    logger.info(
        "listening on %s, port %s; settings of %s", settings.host, settings.port, env_file() or "the environment"
    )
    asks = asks_for_tokens(settings.auth, settings.host)
    cookies = NO_TLS_KNOWN if asks and not (settings.tls_cert or settings.trusted_networks) else None
    for said in (warning("the API", settings.host, asks=asks), cookies, old_setting_remark()):
        if said:
            logger.warning(said)


def _end(error: FleetwattError) -> NoReturn:
    name = error.title
    if isinstance(error, ListeningError):
        name = "FLEET_HOST"
    elif isinstance(error, UnusableCertificateError):
        name = "FLEET_TLS_CERT"
    elif isinstance(error, InvalidSettingError) and error.name:
        name = f"FLEET_{error.name.upper()}"
    sys.stderr.write(f"{name}: {error.detail}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
