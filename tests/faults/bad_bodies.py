"""A million bad bodies, made by hypothesis and by breaking bytes, while good clients deliver beside them.

Most are sent many at a time, in arrays and streams, a tenth alone. Each answer must account for every item that the
standard library finds in the body; at the end the database must hold exactly what the answers said.
"""

import asyncio
import gzip
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg

from tests.faults.attempts import Attempts, clock
from tests.faults.background import in_background
from tests.faults.bad_readings import bad_readings
from tests.faults.byte_fuzzer import ByteFuzzer
from tests.faults.connection import Answer, Connection, NoAnswerError, post
from tests.faults.items import UndecodableError, count_items, is_array, is_json, unzipped
from tests.faults.readings import Shape
from tests.faults.scenario import Stage
from warehouse.postgres.connection import connect

AT_ONCE = 24
ANSWER_WITHIN_S = 10.0
GROWTH_MB = 50.0
WARM_UP = 10
"""One part in so many of the bodies is sent before memory is looked at."""
SHAPES = {Shape.SINGLE: (0.1, 1), Shape.ARRAY: (0.3, 50), Shape.LINES: (0.6, 200)}
"""Which share of the bad bodies is sent so, and how many at a time."""
_SINGLE_ANSWERS = {201: "accepted", 200: "duplicates", 409: "conflicts", 422: "rejected"}
_SPOILED_ARRAYS = 0.05
"""The share of arrays that may hold a text that is no JSON."""

_ZIPPED = 0.1
_BROKEN_OF_ZIPPED = 0.5
"""A stream is never broken so: how much of it is decoded before it breaks is the decoder's affair."""


class BadBody(NamedTuple):
    """One request."""

    shape: Shape
    content: bytes
    texts: int
    """How many bad bodies it is made of."""
    encoding: str = "identity"

    def decoded(self) -> bytes:
        """What it holds.

        Raises:
            UndecodableError: it is not in its encoding.
        """
        return unzipped(self.content) if self.encoding == "gzip" else self.content


@dataclass
class Sender:
    """Sends them all and adds up what the answers say."""

    port: int
    bodies: Iterator[BadBody]
    attempts: Attempts = field(default_factory=Attempts)
    sent: int = 0
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Answers that do not account for what was sent, with the body."""

    async def send(self, stop: threading.Event) -> None:
        """Send until there are no more."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._send_on(Connection(self.port, 2 * ANSWER_WITHIN_S), stop))

    async def _send_on(self, connection: Connection, stop: threading.Event) -> None:
        for body in self.bodies:
            answer = await self._answer(connection, body)
            while answer is None and not stop.is_set():
                answer = await self._answer(connection, body)
            if answer is None or stop.is_set():
                break
            self.sent += body.texts
            if problem := self._account(answer, body):
                self.wrong.append(f"{problem}: {answer.status} {answer.body[:300]!r} to {body.content[:300]!r}")
        connection.close()

    async def _answer(self, connection: Connection, body: BadBody) -> Answer | None:
        """The answer; None where the body is worth another try."""
        sent_at = clock()
        try:
            answer = await connection.exchange(post(body.content, body.shape.value[0], body.encoding))
        except NoAnswerError as error:
            self.attempts.add(sent_at, error)
            self.wrong.append(f"{type(error).__name__} to {body.content[:300]!r}")
            return None
        self.attempts.add(sent_at, answer)
        if answer.status == 503:
            self.told["resent"] += 1
            await asyncio.sleep(0.5)
            return None
        return answer

    def _account(self, answer: Answer, body: BadBody) -> str:
        """Add up what it says; what is wrong with it, or an empty text."""
        try:
            content = body.decoded()
            items = count_items(content, body.shape)
        except UndecodableError:
            self.told["undecodable"] += 1
            return "" if answer.status == 400 else "undecodable"
        if answer.status not in (200, 201, 409, 422):
            return f"{items} items"
        if body.shape is not Shape.LINES and not is_array(content):
            self.told[_SINGLE_ANSWERS[answer.status]] += 1
            return ""
        said = json.loads(answer.body)
        counts = {name: said[name] for name in ("accepted", "duplicates", "conflicts", "rejected")}
        self.told.update(counts)
        return "" if sum(counts.values()) == items else f"{items} items"


def run(stage: Stage) -> None:
    """No 5xx but 503, no hang, flat memory, and everything decodable accounted for."""
    findings, scale = stage.findings, stage.scale
    findings.say("hypothesis makes bad readings, which takes minutes")
    made = bad_readings(scale.made_by_hypothesis, stage.seed)
    findings.figure("made_by_hypothesis", len(made))
    with stage.product() as product, stage.book(product, others_write=True) as book:
        good = book.clients(connections=8, interval_s=0.2)
        sender = Sender(product.api.port, _bodies(made, scale.bad_bodies, stage.drawn))
        with good.sending(), in_background(sender.send):
            began_at, memory, told_at = clock(), 0, clock()
            while sender.sent < scale.bad_bodies and clock() - began_at < ANSWER_WITHIN_S + scale.bad_bodies / 100:
                time.sleep(0.1)
                if not memory and sender.sent >= scale.bad_bodies // WARM_UP:
                    memory = product.api.resident_bytes()
                if clock() - told_at >= 10:
                    told_at = clock()
                    findings.say(f"{told_at - began_at:.0f} s: {sender.sent:,} bad bodies")
            findings.at_most("memory_growth_mb", (product.api.resident_bytes() - memory) / 1e6, GROWTH_MB)
        findings.figure("bad_bodies", sender.sent)
        findings.require("all were sent", sender.sent >= scale.bad_bodies, sender.sent)
        findings.figure("told", json.dumps(sender.told))
        findings.statuses(sender.attempts.between(0), {200, 201, 400, 409, 422, 503})
        findings.at_most("slowest_answer_s", sender.attempts.between(0).slowest_s, ANSWER_WITHIN_S)
        findings.require("each answer accounts for its body", not sender.wrong, f"{len(sender.wrong)} do not")
        for each in sender.wrong[:5]:
            findings.say(each)
        findings.hardly_refused(good.attempts.between(0), of="good_clients")
        with connect(product.url) as connection:
            _check_database(stage, connection, sender.told, book.acknowledged.lines)


def _bodies(made: list[bytes], count: int, drawn: random.Random) -> Iterator[BadBody]:
    """First each that hypothesis made, as it is; then broken ones, until there are so many. Some come zipped."""
    fuzzer = ByteFuzzer(made, drawn)
    for body in _plain_bodies(made, count, drawn, fuzzer):
        if drawn.random() > _ZIPPED:
            yield body
            continue
        content = gzip.compress(body.content, 1)
        if body.shape is not Shape.LINES and drawn.random() < _BROKEN_OF_ZIPPED:
            content = fuzzer.broken(content)
        yield body._replace(content=content, encoding="gzip")


def _plain_bodies(made: list[bytes], count: int, drawn: random.Random, fuzzer: ByteFuzzer) -> Iterator[BadBody]:
    left, decodable = iter(made), [text for text in made if is_json(text)]
    while count > 0:
        shape = drawn.choices(list(SHAPES), [share / many for share, many in SHAPES.values()])[0]
        texts = [next(left, b"") or fuzzer.next() for _ in range(min(count, SHAPES[shape][1]))]
        count -= len(texts)
        if shape is Shape.LINES:
            yield BadBody(shape, b"\n".join(texts), len(texts))
            continue
        if shape is Shape.SINGLE:
            yield BadBody(shape, texts[0], 1)
            continue
        if drawn.random() > _SPOILED_ARRAYS:
            texts = [text if is_json(text) else drawn.choice(decodable) for text in texts]
        yield BadBody(shape, b"[%s]" % b",".join(texts), len(texts))


def _check_database(stage: Stage, connection: psycopg.Connection, told: Counter[str], of_good_clients: int) -> None:
    query = (
        "SELECT (SELECT count(*) FROM meter_readings) + (SELECT count(*) FROM vehicle_readings),"
        " (SELECT coalesce(sum(item_count), 0)::bigint FROM quarantine_counts)"
    )
    stored, kept = connection.execute(query).fetchone() or (0, 0)
    refused = told["rejected"] + told["conflicts"] + told["undecodable"]
    is_exact = told["resent"] == 0  # what was sent twice may have been kept twice
    accepted = told["accepted"] + of_good_clients
    stage.findings.require(
        "the database holds what was accepted", stored == accepted or not is_exact, f"{stored}, told {accepted}"
    )
    stage.findings.require("what was refused is counted", kept == refused or not is_exact, f"{kept} of {refused}")
