"""Serves another application exactly as ``python -m ingest_api`` serves the product: with its settings, not a copy."""

import sys
from typing import Any

import uvicorn

from ingest_api.__main__ import main
from ingest_api.http_protocol import PatientHttpProtocol

_run = uvicorn.run


def _run_baseline(product: object, **settings: Any) -> None:
    # The product's own protocol answers readings itself: a yardstick for applications is one.
    _run(sys.argv[1], **{**settings, "http": PatientHttpProtocol, "factory": False})


uvicorn.run = _run_baseline  # type: ignore[assignment] # it takes whatever the product sets
main()
