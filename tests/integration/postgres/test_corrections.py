"""What people say of false readings: said once, in order, never rewritten; the days and hours of it are queued."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from warehouse.contract.corrections import LONGEST, LONGEST_WHY, Action
from warehouse.contract.errors import DeviceNotKnownError, InvalidRequestError, NothingToCorrectError
from warehouse.contract.partitions import Stream, midnight, utc_day
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect
from warehouse.postgres.corrections.correction_store import Corrected, correct_readings, list_corrections
from warehouse.postgres.corrections.wanted import WantedCorrection

YESTERDAY = utc_day(datetime.now(UTC)) - timedelta(days=1)
NOON = midnight(YESTERDAY) + timedelta(hours=12)
HOURS = [NOON + timedelta(hours=hour) for hour in range(4)]


@pytest.fixture(autouse=True)
def _devices(connection: psycopg.Connection) -> None:
    """A meter and a vehicle, four readings each; one id is both of them."""
    for kind in DeviceKind:
        connection.execute(f"INSERT INTO {kind}s (external_id) VALUES ('{kind}-1'), ('both')".encode())
        readings = f"INSERT INTO {kind}_readings ({kind}_id, ts, kwh) SELECT 1, ts, 5 FROM unnest(%s::timestamptz[]) ts"
        connection.execute(readings.encode(), [HOURS])


def correct(connection: psycopg.Connection, **said: Any) -> Corrected:
    wanted = {"device": "meter-1", "starts_at": NOON, "ends_at": None, "action": Action.VOID, "kwh": None}
    return correct_readings(connection, WantedCorrection(**{**wanted, "why": "a test", "who": "ann", **said}))


def counting(connection: psycopg.Connection, kind: str = "meter") -> list[float]:
    query = f"SELECT kwh FROM corrected_{kind}_readings WHERE {kind}_id = 1 ORDER BY ts"
    return [kwh for (kwh,) in connection.execute(query.encode())]


def queued_days(connection: psycopg.Connection) -> list[date]:
    return [day for (day,) in connection.execute("SELECT day FROM day_builds WHERE requested > built ORDER BY day")]


def close(connection: psycopg.Connection, day: date, state: str = "exported") -> None:
    connection.execute("UPDATE partition_ledger SET state = %s WHERE day = %s", [state, day])


def test_what_is_said_is_kept_and_counts(connection: psycopg.Connection) -> None:
    done = correct(connection)
    assert (done.is_new, done.reading_count) == (True, 1)
    assert counting(connection) == [5, 5, 5]
    correct(connection, starts_at=HOURS[1], action=Action.REPLACE, kwh=7.5, why="read off the display")
    assert counting(connection) == [7.5, 5, 5]
    first, second = list_corrections(connection, "meter-1")
    assert first == done.correction
    assert (second.kind, second.device, second.action, second.kwh) == ("meter", "meter-1", "replace", 7.5)
    assert (second.starts_at, second.ends_at) == (HOURS[1], HOURS[1] + timedelta(microseconds=1))
    assert (second.why, second.who) == ("read off the display", "ann")
    assert counting(connection, "vehicle") == [5, 5, 5, 5]


def test_a_range_ends_before_its_end(connection: psycopg.Connection) -> None:
    assert correct(connection, ends_at=HOURS[2]).reading_count == 2
    assert counting(connection) == [5, 5]


def test_the_same_again_is_no_other_correction(connection: psycopg.Connection) -> None:
    first, second = (correct(connection, why=why) for why in ("a test", "another word for it"))
    assert second == first._replace(is_new=False, days=[])
    correct(connection, action=Action.RESTORE)
    assert correct(connection).is_new  # something was said in between
    assert len(list_corrections(connection)) == 3


def test_to_take_back_is_another_correction(connection: psycopg.Connection) -> None:
    correct(connection, ends_at=HOURS[2])
    correct(connection, starts_at=HOURS[1], action=Action.RESTORE)
    assert counting(connection) == [5, 5, 5]
    with pytest.raises(NothingToCorrectError, match="nothing to take back"):
        correct(connection, starts_at=HOURS[3], action=Action.RESTORE)


def test_what_was_said_is_never_rewritten(connection: psycopg.Connection) -> None:
    correct(connection)
    for change in ("UPDATE reading_corrections SET why = 'x'", "DELETE FROM reading_corrections"):
        with pytest.raises(psycopg.errors.RaiseException, match="only grows"):
            connection.execute(change.encode())
    with pytest.raises(psycopg.errors.RaiseException, match="only grows"):
        connection.execute("TRUNCATE reading_corrections")


def test_the_closed_days_with_corrected_readings_are_queued(connection: psycopg.Connection) -> None:
    before = YESTERDAY - timedelta(days=1)
    connection.execute("INSERT INTO meter_readings (meter_id, ts, kwh) VALUES (1, %s, 4)", [NOON - timedelta(days=1)])
    connection.execute("UPDATE partition_ledger SET seal_after = now() + '1 day'::interval WHERE day = %s", [YESTERDAY])
    close(connection, before - timedelta(days=1))
    close(connection, before)
    done = correct(connection, starts_at=NOON - timedelta(days=2), ends_at=HOURS[1])
    assert done.days == queued_days(connection) == [before]  # yesterday is not over yet: it follows by itself
    close(connection, YESTERDAY)
    assert correct(connection).days == [YESTERDAY]
    assert queued_days(connection) == [before, YESTERDAY]
    requests = connection.execute("SELECT kind::text, device_id, since FROM hourly_requests ORDER BY since").fetchall()
    assert requests == [("meter", 1, NOON - timedelta(days=2)), ("meter", 1, NOON)]


def test_of_a_dropped_day_only_the_lake_knows_what_is_there(connection: psycopg.Connection) -> None:
    day = YESTERDAY - timedelta(days=2)
    with pytest.raises(NothingToCorrectError, match="has no reading"):
        correct(connection, starts_at=midnight(day))
    for stream in Stream:
        connection.execute(f"DROP TABLE {stream}_{day:%Y_%m_%d}".encode())
    close(connection, day, "dropped")
    done = correct(connection, starts_at=midnight(day))
    assert (done.is_new, done.reading_count, done.days) == (True, 0, [day])


REFUSED = [
    ({"ends_at": NOON}, "ends after it begins"),
    ({"ends_at": NOON - timedelta(seconds=1)}, "ends after it begins"),
    ({"starts_at": NOON - LONGEST, "ends_at": NOON + timedelta(seconds=1)}, "31 days at most"),
    ({"ends_at": NOON + timedelta(days=3)}, "in the future"),
    ({"kwh": 5.0}, "says what the register showed"),
    ({"action": Action.REPLACE}, "says what the register showed"),
    ({"action": Action.REPLACE, "kwh": -0.1}, "kwh lies between"),
    ({"action": Action.REPLACE, "kwh": 1.1e9}, "kwh lies between"),
    ({"action": Action.REPLACE, "kwh": float("nan")}, "kwh lies between"),
    ({"why": ""}, "say why"),
    ({"why": " \n\u200b"}, "say why"),
    ({"why": "x" * (LONGEST_WHY + 1)}, "say why"),
    ({"why": "a\0b"}, "NUL"),
    ({"why": "a\ud800b"}, "UTF-8"),
]


@pytest.mark.parametrize(("said", "match"), REFUSED, ids=[f"{number}" for number in range(len(REFUSED))])
def test_what_cannot_be_is_refused(connection: psycopg.Connection, said: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidRequestError, match=match):
        correct(connection, **said)
    assert list_corrections(connection) == []


def test_a_device_is_known_by_its_id_and_where_two_share_it_by_its_kind(connection: psycopg.Connection) -> None:
    with pytest.raises(DeviceNotKnownError, match="no meter or vehicle is called nobody"):
        correct(connection, device="nobody")
    with pytest.raises(DeviceNotKnownError, match="kind"):
        correct(connection, device="both")
    with pytest.raises(NothingToCorrectError, match="vehicle both has no reading"):
        correct(connection, device="both", kind=DeviceKind.VEHICLE)
    with pytest.raises(DeviceNotKnownError):
        list_corrections(connection, "nobody")


def test_a_reading_that_is_not_there_is_not_corrected(connection: psycopg.Connection) -> None:
    with pytest.raises(NothingToCorrectError, match="no reading at that instant"):
        correct(connection, starts_at=NOON + timedelta(seconds=1))
    ((until,),) = connection.execute("SELECT corrected_until FROM meters WHERE meter_id = 1").fetchall()
    assert until is None  # a question about the device costs what it did


def test_who_corrects_at_the_same_moment_is_in_an_order(connection: psycopg.Connection, database_url: str) -> None:
    def say(number: int) -> int:
        with connect(database_url) as own:
            return correct(own, action=Action.REPLACE, kwh=float(number)).correction.correction_id

    with ThreadPoolExecutor(4) as threads:
        ids = list(threads.map(say, range(8)))
    listed = list_corrections(connection)
    assert [each.correction_id for each in listed] == sorted(ids)
    assert counting(connection)[0] == listed[-1].kwh


def test_corrections_are_listed_a_page_at_a_time(connection: psycopg.Connection) -> None:
    for hour in HOURS:
        correct(connection, starts_at=hour)
    correct(connection, device="vehicle-1")
    whole = list_corrections(connection)
    assert [each.device for each in whole] == ["meter-1"] * 4 + ["vehicle-1"]
    assert list_corrections(connection, after=whole[1].correction_id, limit=2) == whole[2:4]
    assert list_corrections(connection, "vehicle-1") == whole[4:]
