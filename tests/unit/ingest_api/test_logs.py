"""Logs are JSON, a line an event, with the request's id and without what was sent."""

import json
import logging
import logging.config
from collections.abc import Iterator

import pytest

from ingest_api.observability.logs import logging_config


@pytest.fixture
def configured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    logging.config.dictConfig(logging_config())
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_an_error_is_one_line_with_its_request_and_no_payload(
    configured: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(body: bytes) -> None:
        raise ValueError("no good")

    logging.config.dictConfig(logging_config())  # its stream is the one that is captured now
    try:
        fail(b"secret payload")
    except ValueError:
        logging.getLogger("ingest_api.telemetry.hot_path").exception("the request failed", extra={"request_id": "r-1"})
    (line,) = capsys.readouterr().err.splitlines()
    logged = json.loads(line)
    assert (logged["event"], logged["request_id"], logged["level"]) == ("the request failed", "r-1", "error")
    assert logged["exception"][0]["exc_type"] == "ValueError"
    assert "secret" not in line.replace('fail(b\\"secret payload\\")', "")


def test_the_server_logs_in_the_same_form(configured: None, capsys: pytest.CaptureFixture[str]) -> None:
    logging.config.dictConfig(logging_config())
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    assert json.loads(capsys.readouterr().err)["event"] == "Started server process [7]"
