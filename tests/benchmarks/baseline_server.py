"""Serves another application exactly as ``python -m ingest_api`` serves the product: with its settings, not a copy."""

import sys
from typing import Any

import uvicorn

from ingest_api.__main__ import main
from ingest_api.server.timeout_protocol import TimeoutHttpProtocol

_Config = uvicorn.Config


def _of_baseline(product: object, **settings: Any) -> uvicorn.Config:
    # The product's own protocol answers readings itself: a yardstick for applications is one.
    return _Config(sys.argv[1], **{**settings, "http": TimeoutHttpProtocol, "factory": False})


uvicorn.Config = _of_baseline  # type: ignore[assignment,misc] # it takes whatever the product sets
main()
