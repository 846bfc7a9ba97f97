"""``python -m ingest_api``: serves the API until it is told to stop."""

import contextlib
import logging
import os
import signal
import socket
import sys
from typing import NoReturn

import uvicorn

from ingest_api.observability.logs import logging_config
from ingest_api.server.descriptors import raise_limit
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
    "no TLS is known to be spoken before the API: passwords and cookies of people who sign in can be read on the way; "
    "put a proxy that speaks it before the API, and name it in FLEET_TRUSTED_PROXIES"
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
            loop="uvloop",
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
    cookies = NO_TLS_KNOWN if asks and not settings.trusted_networks else None
    for said in (warning("the API", settings.host, asks=asks), cookies, old_setting_remark()):
        if said:
            logger.warning(said)


def _end(error: FleetwattError) -> NoReturn:
    name = error.title
    if isinstance(error, ListeningError):
        name = "FLEET_HOST"
    elif isinstance(error, InvalidSettingError) and error.name:
        name = f"FLEET_{error.name.upper()}"
    sys.stderr.write(f"{name}: {error.detail}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
