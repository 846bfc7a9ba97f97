"""The API that the sender's tests send to."""

from collections.abc import Iterator

import pytest

from tests.integration.simulation.recording_api import RecordingApi, recording_api


@pytest.fixture
def api() -> Iterator[RecordingApi]:
    with recording_api() as running:
        yield running
