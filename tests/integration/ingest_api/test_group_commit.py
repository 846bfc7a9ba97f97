"""Requests that share a commit: one is at fault, the others must not suffer; one goes away, the others are answered."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from ingest_api.bodies import limits
from ingest_api.commit.group_commit import BULK_READINGS, SMALL_WRITERS, GroupCommit
from ingest_api.commit.loop_connection import LoopConnection, open_loop_connection
from tests.factories import QUOTA, iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import until_someone_waits_for_a_lock
from tests.patience import PATIENCE_S
from warehouse.contract.errors import (
    DatabaseUnavailableError,
    OverloadedError,
    PartitionMissingError,
    SchemaOutdatedError,
)
from warehouse.contract.partitions import Stream, partition_name
from warehouse.contract.readings import AcceptedWindow
from warehouse.decoding.telemetry import Telemetry, decode_body
from warehouse.postgres.connection import connect
from warehouse.postgres.readings.reading_store import Outcome, ReadingStore

SIZE = 100
TS = now_s()
NOON = datetime.combine(TS.date() - timedelta(days=2), time(12), UTC)


@pytest.fixture
def connection(shared_database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to a database without a row; each test has a writer of its own, which remembers no device."""
    with connect(shared_database_url) as connection:
        for table in ("meter_readings", "vehicle_readings", "meter_latest", "vehicle_latest", "quarantined_readings"):
            connection.execute(f"DELETE FROM {table}".encode())
        connection.execute("DELETE FROM meters")
        connection.execute("DELETE FROM vehicles")
        yield connection


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


def body(payload: Any) -> Telemetry:
    window = AcceptedWindow.around(datetime.now(UTC), age=timedelta(days=7), ahead=timedelta(minutes=5))
    return decode_body(json.dumps(payload).encode(), window, max_items=1000)


def storing(commits: GroupCommit, body: Telemetry) -> asyncio.Future[Outcome]:
    """What becomes of this body, which has joined the batch or was refused."""
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    try:
        commits.store(body, SIZE, outcome)
    except OverloadedError as error:
        outcome.set_exception(error)
    return outcome


@asynccontextmanager
async def group_commit(url: str, max_waiting_items: int = 10**6) -> AsyncIterator[GroupCommit]:
    commits = GroupCommit(
        partial(open_loop_connection, url),
        partial(ReadingStore, quota=QUOTA),
        max_waiting_items=max_waiting_items,
        max_waiting_bytes=10**6,
    )
    try:
        yield commits
    finally:
        await commits.close()


async def together(
    url: str, connection: psycopg.Connection, bodies: Sequence[Telemetry], cancelled: int | None = None
) -> list[Outcome | BaseException | None]:
    """Store these bodies in ONE batch: they gather while the writer waits for a lock that we hold."""
    async with group_commit(url) as commits:
        with psycopg.connect(url) as blocker:
            blocker.execute("LOCK TABLE meter_latest")
            first = storing(commits, body(meter_payload(meterId="first")))
            await asyncio.to_thread(until_someone_waits_for_a_lock, connection)
            waiting = [storing(commits, each) for each in bodies]
            await asyncio.sleep(0)  # each has joined the batch
            if cancelled is not None:
                waiting[cancelled].cancel()
        outcomes: Awaitable[list[Outcome | BaseException | None]] = asyncio.gather(*waiting, return_exceptions=True)
        assert (await first).accepted == 1
        return await outcomes


def transactions(connection: psycopg.Connection) -> int:
    """How many transactions wrote the history, apart from the one that everyone waited behind."""
    query = """
        SELECT meter_readings.xmin::text FROM meter_readings JOIN meters USING (meter_id) WHERE external_id <> 'first'
        UNION SELECT xmin::text FROM vehicle_readings
    """
    return len(connection.execute(query.encode()).fetchall())


def test_all_that_waits_is_stored_in_one_transaction(database_url: str, connection: psycopg.Connection) -> None:
    reading = meter_payload(timestamp=iso(TS))
    bodies = [reading, vehicle_payload(timestamp=iso(TS)), [reading, "bad"], {**reading, "voltage": 1.0}, reading, []]
    outcomes = asyncio.run(together(database_url, connection, [body(payload) for payload in bodies]))
    told = []
    for outcome in outcomes:
        assert isinstance(outcome, Outcome)
        told.append((outcome.accepted, outcome.duplicates, len(outcome.conflicts), len(outcome.rejections)))
    assert told == [(1, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 1), (0, 0, 1, 0), (0, 1, 0, 0), (0, 0, 0, 0)]
    assert transactions(connection) == 1


def test_a_body_that_cannot_be_stored_fails_alone(database_url: str, connection: psycopg.Connection) -> None:
    partition = partition_name(Stream.METER_READINGS, NOON.date())
    connection.execute(f"ALTER TABLE meter_readings DETACH PARTITION {partition}".encode())
    bodies = [meter_payload(), [meter_payload(timestamp=iso(NOON)), vehicle_payload()], vehicle_payload(), {"bad": 1}]
    good, homeless, other, bad = asyncio.run(together(database_url, connection, [body(each) for each in bodies]))
    assert isinstance(homeless, PartitionMissingError)
    assert isinstance(good, Outcome)
    assert isinstance(other, Outcome)
    assert isinstance(bad, Outcome)
    assert (good.accepted, other.accepted, len(bad.rejections)) == (1, 1, 1)
    assert connection.execute("SELECT count(*) FROM vehicle_readings").fetchone() == (1,)
    connection.execute(
        f"ALTER TABLE meter_readings ATTACH PARTITION {partition} FOR VALUES FROM ('{NOON.date()}Z') "
        f"TO ('{NOON.date() + timedelta(days=1)}Z')".encode()
    )


def test_a_defect_in_one_body_harms_no_other(database_url: str, connection: psycopg.Connection) -> None:
    bodies = [body(meter_payload(meterId=f"m{number}")) for number in range(20)]
    poison = body(meter_payload(meterId="poison"))
    poison.readings[0] = poison.readings[0]._replace(kwh=object())  # type: ignore[arg-type] # no validation would let it pass
    outcomes = asyncio.run(together(database_url, connection, [*bodies[:7], poison, *bodies[7:]]))
    assert isinstance(outcomes.pop(7), Exception)
    assert [isinstance(outcome, Outcome) and outcome.accepted for outcome in outcomes] == [1] * 20
    assert transactions(connection) < 10  # halved until it was found, not one by one


def test_several_bodies_at_fault_fail_and_the_others_do_not(database_url: str, connection: psycopg.Connection) -> None:
    partition = partition_name(Stream.METER_READINGS, NOON.date())
    connection.execute(f"ALTER TABLE meter_readings DETACH PARTITION {partition}".encode())
    homeless = [number % 3 == 0 for number in range(12)]
    bodies = [
        body(meter_payload(meterId=f"m{number}", timestamp=iso(NOON if is_homeless else TS)))
        for number, is_homeless in enumerate(homeless)
    ]
    outcomes = asyncio.run(together(database_url, connection, bodies))
    assert [isinstance(outcome, PartitionMissingError) for outcome in outcomes] == homeless
    assert connection.execute("SELECT count(*) FROM meter_readings").fetchone() == (1 + homeless.count(False),)
    connection.execute(
        f"ALTER TABLE meter_readings ATTACH PARTITION {partition} FOR VALUES FROM ('{NOON.date()}Z') "
        f"TO ('{NOON.date() + timedelta(days=1)}Z')".encode()
    )


def test_of_what_is_overdue_only_what_the_writers_had_is_stored(
    database_url: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time is moved on once all of it waits: on a busy machine that alone takes longer than an answer may."""
    monkeypatch.setattr(limits, "ANSWER_WITHIN_S", PATIENCE_S)

    def pass_time() -> None:
        loop = asyncio.get_running_loop()
        now = loop.time
        monkeypatch.setattr(loop, "time", lambda: now() + PATIENCE_S)

    async def get_stuck() -> list[Outcome | BaseException]:
        async with group_commit(database_url) as commits:
            with psycopg.connect(database_url) as blocker:
                blocker.execute("LOCK TABLE meter_latest")
                held = []
                for number in range(SMALL_WRITERS):
                    held.append(storing(commits, body(meter_payload(meterId=f"held{number}"))))
                    await asyncio.to_thread(until_someone_waits_for_a_lock, connection, number + 1)
                rest = [storing(commits, body(meter_payload(meterId=f"m{n}"))) for n in (1, 2)]
                pass_time()
                overdue = await asyncio.gather(*held, *rest, return_exceptions=True)
                with monkeypatch.context() as impatient, pytest.raises(DatabaseUnavailableError):
                    impatient.setattr(limits, "ANSWER_WITHIN_S", 0.0)
                    commits.check_answering()
            return [*overdue, await storing(commits, body(meter_payload(meterId="last")))]

    *overdue, last = asyncio.run(get_stuck())
    assert [type(each) for each in overdue] == [DatabaseUnavailableError] * (SMALL_WRITERS + 2)
    assert isinstance(last, Outcome)
    stored = "SELECT external_id FROM meter_readings JOIN meters USING (meter_id) ORDER BY 1"
    assert connection.execute(stored.encode()).fetchall() == [
        *((f"held{number}",) for number in range(SMALL_WRITERS)),
        ("last",),
    ]


def test_what_waits_is_bounded_and_counted_back(database_url: str, connection: psycopg.Connection) -> None:
    async def fill_twice() -> list[int]:
        async with group_commit(database_url, max_waiting_items=10) as commits:
            accepted = []
            for turn in range(2):
                with psycopg.connect(database_url) as blocker:
                    blocker.execute("LOCK TABLE meter_latest")
                    waiting = [storing(commits, body(meter_payload(meterId=f"m{turn}-{n}"))) for n in range(15)]
                    await asyncio.to_thread(until_someone_waits_for_a_lock, connection)
                outcomes = await asyncio.gather(*waiting, return_exceptions=True)
                assert {type(each) for each in outcomes} == {Outcome, OverloadedError}
                accepted.append(sum(isinstance(each, Outcome) for each in outcomes))
            return accepted

    assert asyncio.run(fill_twice()) == [10, 10]


def test_no_more_ids_are_remembered_than_may_be_and_none_is_missed(
    database_url: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.postgres.readings.device_ids.MAX_REMEMBERED", 3)

    async def store_all() -> list[int]:
        async with group_commit(database_url) as commits:
            pairs = [(f"m{n}", f"m{n + 1}") for n in range(9)]
            batches = [[meter_payload(meterId=device, timestamp=iso(TS)) for device in pair] for pair in pairs]
            return [(await storing(commits, body(batch))).accepted for batch in batches]

    assert asyncio.run(store_all()) == [2, *[1] * 8]
    assert connection.execute("SELECT count(*) FROM meters").fetchone() == (10,)


def test_a_client_that_went_away_does_not_disturb_the_others(database_url: str, connection: psycopg.Connection) -> None:
    bodies = [body(meter_payload(meterId=f"m{number}")) for number in range(3)]
    gone, *others = asyncio.run(together(database_url, connection, bodies, cancelled=0))
    assert isinstance(gone, asyncio.CancelledError)
    assert [isinstance(outcome, Outcome) and outcome.accepted for outcome in others] == [1, 1]
    assert connection.execute("SELECT count(*) FROM meter_readings").fetchone() == (4,)  # it is stored all the same


def test_a_batch_ends_where_it_is_full_and_the_rest_is_the_next(
    database_url: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest_api.commit.batch_queue.MAX_BATCH_READINGS", 3)
    bodies = [body(meter_payload(meterId=f"m{number}")) for number in range(7)]
    outcomes = asyncio.run(together(database_url, connection, bodies))
    assert [isinstance(outcome, Outcome) and outcome.accepted for outcome in outcomes] == [1] * 7
    assert transactions(connection) == 3


def test_one_part_of_the_requests_is_stored_while_the_other_comes(
    database_url: str, connection: psycopg.Connection
) -> None:
    *earlier, later = (
        [
            body(meter_payload(meterId=f"m{number}", timestamp=iso(TS - timedelta(seconds=before))))
            for number in range(10)
        ]
        for before in range(SMALL_WRITERS, -1, -1)
    )

    async def come_again() -> None:
        async with group_commit(database_url) as commits:
            for batch in earlier:  # one for each writer
                await asyncio.gather(*[storing(commits, each) for each in batch])
            waiting = []
            for each in later:  # one in each turn of the loop
                waiting.append(storing(commits, each))
                await asyncio.sleep(0)
            await asyncio.gather(*waiting)

    asyncio.run(come_again())
    # By size: which of two transactions PostgreSQL numbers first is chance.
    sizes = "SELECT count(*) FROM meter_readings WHERE ts = %s GROUP BY xmin::text ORDER BY 1 DESC"
    assert connection.execute(sizes.encode(), [TS - timedelta(seconds=1)]).fetchall() == [(10,)]
    (part,), (other,) = connection.execute(sizes.encode(), [TS]).fetchall()
    assert part + other == 10
    assert 5 <= part <= 8


def test_what_waits_at_the_end_is_still_stored(database_url: str, connection: psycopg.Connection) -> None:
    async def store_and_close() -> list[Outcome]:
        async with group_commit(database_url) as commits:
            waiting = [storing(commits, body(meter_payload(meterId=f"m{n}"))) for n in range(5)]
            await asyncio.sleep(0)
        return await asyncio.gather(*waiting)

    assert [outcome.accepted for outcome in asyncio.run(store_and_close())] == [1] * 5
    assert connection.execute("SELECT count(*) FROM meter_readings").fetchone() == (5,)


def test_a_defect_of_ours_reaches_the_requests_and_the_writer_lives_on(
    database_url: str, connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async def defect_then_reading() -> tuple[BaseException | Outcome, Outcome]:
        async with group_commit(database_url) as commits:
            broken = body(meter_payload())
            broken.indexes.clear()
            broken.readings.append(None)  # type: ignore[arg-type] # what no decoder makes
            (failed,) = await asyncio.gather(storing(commits, broken), return_exceptions=True)
            return failed, await storing(commits, body(meter_payload()))

    failed, stored = asyncio.run(defect_then_reading())
    assert isinstance(failed, ValueError)
    assert stored.accepted == 1
    assert "a body could not be stored" in caplog.text


def test_single_readings_do_not_wait_behind_a_large_body(database_url: str, connection: psycopg.Connection) -> None:
    key = "INSERT INTO vehicle_readings (ts, kwh, vehicle_id) SELECT %s, 1, vehicle_id FROM vehicles"

    async def overtake() -> tuple[int, bool, int]:
        async with group_commit(database_url) as commits:
            await storing(commits, body(vehicle_payload(vehicleId="v0", timestamp=iso(TS - timedelta(hours=1)))))
            with psycopg.connect(database_url) as blocker:
                blocker.execute(key.encode(), [TS])  # whoever stores this key waits to see whether it is taken
                many = [vehicle_payload(vehicleId=f"v{number}", timestamp=iso(TS)) for number in range(BULK_READINGS)]
                large = storing(commits, body(many))
                await asyncio.to_thread(until_someone_waits_for_a_lock, connection)
                small = await storing(commits, body(meter_payload()))
                was_done = large.done()
                blocker.rollback()
            return small.accepted, was_done, (await large).accepted

    assert asyncio.run(overtake()) == (1, False, BULK_READINGS)


def test_a_connection_on_which_no_store_can_be_made_is_closed(database_url: str) -> None:
    opened: list[LoopConnection] = []

    def open_and_note() -> LoopConnection:
        opened.append(open_loop_connection(database_url))
        return opened[-1]

    def make_later(connection: psycopg.Connection) -> ReadingStore:
        if len(opened) <= 2 * SMALL_WRITERS:
            raise SchemaOutdatedError("not migrated yet")
        return ReadingStore(connection, QUOTA)

    async def try_thrice_each() -> list[bool]:
        commits = GroupCommit(open_and_note, make_later, max_waiting_items=10, max_waiting_bytes=10**6)
        for _ in range(2 * SMALL_WRITERS):
            with pytest.raises(SchemaOutdatedError):
                await storing(commits, body(meter_payload()))
        for _ in range(SMALL_WRITERS):
            await storing(commits, body(meter_payload()))
        closed = [connection.closed for connection in opened]
        await commits.close()
        return closed

    assert asyncio.run(try_thrice_each()) == [True] * 2 * SMALL_WRITERS + [False] * SMALL_WRITERS
