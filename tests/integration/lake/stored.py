"""Stores readings as the API does, so that what is late is counted."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg

from tests.factories import QUOTA
from warehouse.contract.readings import AcceptedWindow
from warehouse.decoding.telemetry import decode_body
from warehouse.postgres.readings.reading_store import ReadingStore


def post(connection: psycopg.Connection, readings: Sequence[object]) -> None:
    """Store these readings; each must be new."""
    window = AcceptedWindow.around(datetime.now(UTC), age=timedelta(days=8), ahead=timedelta(minutes=5))
    (outcome,) = ReadingStore(connection, QUOTA).store(
        [decode_body(json.dumps(readings).encode(), window)], source="http"
    )
    assert outcome.accepted == len(readings)
