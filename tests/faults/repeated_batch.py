"""The same batch again and again, one after another and all at once, as devices do whose answers get lost."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.faults.connection import exchange_all
from tests.faults.readings import Body, Readings, Shape
from tests.faults.scenario import Stage
from warehouse.postgres.connection import connect

ITEMS = 500
AT_ONCE = 25


def run(stage: Stage) -> None:
    """Each batch is stored once, however often it comes; current states do not move."""
    findings, repeats = stage.findings, stage.scale.repeats
    start = datetime.now(UTC) - timedelta(hours=1)
    with stage.product() as product, connect(product.url) as connection, stage.book(product) as book:
        for number, (shape, at_once) in enumerate(
            [(Shape.ARRAY, 1), (Shape.ARRAY, AT_ONCE), (Shape.LINES, 1), (Shape.LINES, AT_ONCE)]
        ):
            how = f"{repeats} x {shape.name.lower()} of {ITEMS}, {at_once} at once"
            body = Readings(number, start + timedelta(minutes=number)).body(shape, ITEMS)
            if at_once == 1:
                first = _told(product.api.port, body, 1, 1)
                findings.require(f"{how}: the first is accepted", first == Counter(accepted=ITEMS), dict(first))
                before = _states(connection)
                told = first + _told(product.api.port, body, repeats - 1, 1)
                findings.require(f"{how}: current states stay", _states(connection) == before)
            else:
                told = _told(product.api.port, body, repeats, at_once)
            expected = Counter(accepted=ITEMS, duplicates=(repeats - 1) * ITEMS)
            findings.require(f"{how}: accepted once, then duplicates", told == expected, dict(told))
            asyncio.run(book.acknowledged.write(body.lines))


def _told(port: int, body: Body, times: int, at_once: int) -> Counter[str]:
    """What the answers account for, summed; any other answer is counted by its status."""
    told: Counter[str] = Counter()
    for answer in asyncio.run(exchange_all(port, [body.request] * times, at_once)):
        if answer.status != 200:
            told[str(answer.status)] += 1
            continue
        said = json.loads(answer.body)
        told.update({name: said[name] for name in ("accepted", "duplicates", "conflicts", "rejected") if said[name]})
    return told


def _states(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return [
        row
        for table in ("meter_latest", "vehicle_latest")
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    ]
