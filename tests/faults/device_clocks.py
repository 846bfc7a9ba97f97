"""Devices whose clocks are wrong by a day or a year, in either direction, in every shape of body."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from tests.factories import iso, meter_payload, vehicle_payload
from tests.faults.connection import Answer, exchange_all, post
from tests.faults.readings import Shape
from tests.faults.scenario import Stage
from warehouse.postgres.connection import connect

WRONG_BY = {
    timedelta(0): "stored",
    timedelta(minutes=4): "stored",
    -timedelta(days=1): "stored",
    -timedelta(days=6, hours=23): "stored",
    -timedelta(days=8): "timestamp_too_old",
    -timedelta(days=365): "timestamp_too_old",
    timedelta(days=1): "timestamp_in_future",
    timedelta(days=365): "timestamp_in_future",
}
"""By how much a clock can be wrong, and what becomes of the reading."""
AT_ONCE = 16


@dataclass
class Told:
    """What answers said, summed over all of them."""

    items: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Answer, shape: Shape) -> None:
        """Add one."""
        said = json.loads(answer.body)
        if shape is not Shape.SINGLE:
            self.items.update({name: said[name] for name in ("accepted", "duplicates", "conflicts", "rejected")})
            self.codes.update(error["code"] for error in said["errors"])
        elif answer.status == 201:
            self.items["accepted"] += 1
        else:
            self.items["rejected"] += answer.status == 422
            self.codes[said["code"]] += 1


def run(stage: Stage) -> None:
    """What lies in the window is stored on its own day; the rest is refused by name, and kept."""
    findings, devices = stage.findings, stage.scale.clock_devices
    sent = {shape: _sent(shape, devices) for shape in Shape}
    expected = Counter(WRONG_BY[wrong_by] for wrong_by, _ in sent[Shape.SINGLE])
    with stage.product() as product, connect(product.url) as connection:
        for shape, readings in sent.items():
            told = Told()
            for answer in asyncio.run(exchange_all(product.api.port, _requests(shape, readings), AT_ONCE)):
                told.add(answer, shape)
            stored = expected["stored"]
            seen = {name: count for name, count in told.items.items() if count}
            findings.require(
                f"{shape.name}: accepted + rejected = sent",
                seen == {"accepted": stored, "rejected": len(readings) - stored},
                seen,
            )
            refused = {code: count for code, count in expected.items() if code != "stored"}
            findings.require(f"{shape.name}: refused by name", told.codes == refused, dict(told.codes))
        _check_database(stage, connection, [reading for readings in sent.values() for reading in readings])


def _sent(shape: Shape, devices: int) -> list[tuple[timedelta, dict[str, Any]]]:
    """Each device sends once by each of the wrong clocks; the newest comes neither first nor last."""
    now = datetime.now(UTC).replace(microsecond=0)
    sent = []
    for wrong_by in WRONG_BY:
        for number in range(devices):
            at, kwh = {"timestamp": iso(now + wrong_by)}, float(number)
            sent.append((wrong_by, meter_payload(meterId=f"{shape.name}-{number}", kwhConsumedAc=kwh, **at)))
            sent.append((wrong_by, vehicle_payload(vehicleId=f"{shape.name}-{number}", kwhDeliveredDc=kwh, **at)))
    return sent


def _requests(shape: Shape, readings: Sequence[tuple[timedelta, dict[str, Any]]]) -> list[bytes]:
    """Bodies of 50, in which all clocks are mixed, few enough that every refusal is listed."""
    media_type, is_array = shape.value
    texts = [json.dumps(reading).encode() for _, reading in readings]
    bodies = max(1, len(texts) // 50)
    parts = [[text] for text in texts] if shape is Shape.SINGLE else [texts[part::bodies] for part in range(bodies)]
    return [post(b"[%s]" % b",".join(part) if is_array else b"\n".join(part), media_type) for part in parts]


def _check_database(
    stage: Stage, connection: psycopg.Connection, sent: Sequence[tuple[timedelta, dict[str, Any]]]
) -> None:
    findings = stage.findings
    expected: Counter[str] = Counter(WRONG_BY[wrong_by] for wrong_by, _ in sent)
    kept: dict[str, int] = dict(
        connection.execute("SELECT code, sum(item_count)::bigint FROM quarantine_counts GROUP BY code").fetchall()
    )
    refused = {code: count for code, count in expected.items() if code != "stored"}
    findings.require("what was refused is counted", kept == refused, kept)
    days = Counter(
        datetime.fromisoformat(reading["timestamp"]).date() for by, reading in sent if WRONG_BY[by] == "stored"
    )
    query = (
        "SELECT (ts AT TIME ZONE 'UTC')::date, count(*) FROM"
        " (SELECT ts FROM meter_readings UNION ALL SELECT ts FROM vehicle_readings) AS all_readings GROUP BY 1"
    )
    held: dict[date, int] = dict(connection.execute(query).fetchall())
    findings.require("each day holds its readings", held == days, {str(day): count for day, count in held.items()})
    newest = max(datetime.fromisoformat(reading["timestamp"]) for by, reading in sent if WRONG_BY[by] == "stored")
    query = "SELECT ts FROM meter_latest UNION ALL SELECT ts FROM vehicle_latest"
    states = [ts for (ts,) in connection.execute(query)]
    # Each shape was made within the same few seconds; each device's newest is what its clock said 4 minutes ahead.
    wrong = sum(newest - ts > timedelta(minutes=1) for ts in states)
    findings.require("current states are the newest that was accepted", wrong == 0, f"{wrong} of {len(states)} are not")
    findings.figure("readings_sent", len(sent))
