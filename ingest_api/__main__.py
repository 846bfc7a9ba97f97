"""``python -m ingest_api``: serves the API until it is told to stop."""

import os
import signal
import sys
from tempfile import TemporaryDirectory
from typing import NoReturn

import uvicorn
from pydantic import ValidationError
from pydantic_settings import SettingsError

from ingest_api.logs import logging_config
from ingest_api.settings import ApiSettings
from ingest_api.single_reading import TelemetryHttpProtocol
from ingest_api.worker_process import see_deaths_of_workers

DRAIN_WITHIN_S = 5
WORKER_ANSWERS_WITHIN_S = 60
"""The server's own 5 s kill workers that are still loading where the machine is busy."""


def main() -> None:
    """Serve with the settings of the environment.

    Ends with 0 when it was told to stop, with 2 where a setting is wrong.
    """
    # The server drains and then raises the signal again, for whoever was there before: that is what ends with 0.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = _read_settings()
    with TemporaryDirectory(prefix="fleetwatt-metrics-") as shared:
        if settings.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared  # where the workers count together
            see_deaths_of_workers()
        uvicorn.run(
            "ingest_api.worker:create_worker_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            loop="uvloop",
            http=TelemetryHttpProtocol,
            ws="none",
            log_config=logging_config(),
            server_header=False,
            access_log=False,  # a line a request would cost more than the request
            timeout_graceful_shutdown=DRAIN_WITHIN_S,
            timeout_worker_healthcheck=WORKER_ANSWERS_WITHIN_S,
        )


def _read_settings() -> ApiSettings:
    try:
        settings = ApiSettings()
    except SettingsError as error:  # a secret's file that cannot be read
        _end(f"{error}: {error.__cause__}")
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(["FLEET", *(str(part).upper() for part in first["loc"])])
        _end(f"{name}: {first['msg']}")
    if settings.database_url is None:
        _end("FLEET_DATABASE_URL: set it, or start everything with fleetwatt up")
    return settings


def _end(what_is_wrong: str) -> NoReturn:
    sys.stderr.write(f"{what_is_wrong}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
