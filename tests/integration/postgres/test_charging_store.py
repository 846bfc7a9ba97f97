"""The newest days' sessions and standby in PostgreSQL."""

from collections.abc import Sequence
from datetime import date, timedelta

import psycopg

from tests.copied_charging import DAY, charging_day, session, standby
from warehouse.postgres.charging.charging_store import KEPT_DAYS, is_kept, replace_day
from warehouse.postgres.charging.copied_rows import lock_charging


def write(
    connection: psycopg.Connection, sessions: Sequence[dict[str, object]], day: date = DAY, meters: int = 1
) -> None:
    with connection.transaction():
        lock_charging(connection)
        replace_day(connection, charging_day(day, sessions, [standby(meter_id=each + 1) for each in range(meters)]))


def sessions(connection: psycopg.Connection) -> list[tuple[date, str]]:
    return connection.execute("SELECT day, session_id FROM charging_sessions ORDER BY day, session_id").fetchall()


def days_of_standby(connection: psycopg.Connection) -> list[date]:
    return [day for (day,) in connection.execute("SELECT day FROM meter_standby ORDER BY day")]


def test_a_session_is_kept_as_the_lake_has_it(connection: psycopg.Connection) -> None:
    odd = session(
        session_id='a,"b"\n\\N;é', ac_flags="jump,rebase", dc_flags="", ac_kwh=0.1 + 0.2, soc_end_percent=None
    )
    write(connection, [odd])
    columns = ", ".join(odd)
    (row,) = connection.execute(f"SELECT {columns} FROM charging_sessions".encode()).fetchall()
    assert dict(zip(odd, row, strict=True)) == odd


def test_a_day_replaces_its_own_and_takes_what_another_day_had(connection: psycopg.Connection) -> None:
    after = DAY + timedelta(days=1)
    write(connection, [session(session_id="a"), session(session_id="b")], meters=2)
    write(connection, [session(session_id="c")], after)
    write(connection, [session(session_id="b"), session(session_id="c")])
    assert sessions(connection) == [(DAY, "b"), (DAY, "c")]
    write(connection, [session(session_id="b")], after)
    assert sessions(connection) == [(DAY, "c"), (after, "b")]
    assert days_of_standby(connection) == [DAY, after]
    write(connection, [], after, meters=0)
    assert sessions(connection) == [(DAY, "c")]
    assert days_of_standby(connection) == [DAY]


def test_days_that_are_too_old_go(connection: psycopg.Connection) -> None:
    last = DAY + timedelta(days=KEPT_DAYS)
    for day in (DAY, DAY + timedelta(days=1)):
        write(connection, [session(session_id=str(day))], day)
    write(connection, [session(session_id="last")], last)
    assert [day for day, _ in sessions(connection)] == [DAY + timedelta(days=1), last]
    assert days_of_standby(connection) == [DAY + timedelta(days=1), last]
    assert not is_kept(connection, DAY)
    assert is_kept(connection, DAY + timedelta(days=1))
