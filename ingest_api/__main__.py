"""``python -m ingest_api``: serves the API until it is told to stop."""

import uvicorn

from ingest_api.settings import ApiSettings


def main() -> None:
    """Serve with the settings of the environment."""
    settings = ApiSettings()
    uvicorn.run(
        "ingest_api.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http="httptools",
        access_log=False,  # a line a request would cost more than the request
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
