"""Each vehicle's newest days in PostgreSQL."""

from datetime import date, timedelta

import psycopg
from psycopg.types.json import Jsonb

from warehouse.postgres.charging.efficiency_store import KEPT_DAYS, replace_efficiency

DAY = date(2026, 2, 8)


def write(connection: psycopg.Connection, day: date, *vehicles: int, flags: str = r"\N") -> None:
    rows = "".join(f"{day},{each},10.5,9,0.857142857142857,ok,24,0,0,\\N,1,1,\\N,f,f,{flags}\n" for each in vehicles)
    replace_efficiency(connection, day, rows.encode())


def kept(connection: psycopg.Connection) -> list[tuple[date, int]]:
    return connection.execute("SELECT day, vehicle_id FROM daily_vehicle_efficiency ORDER BY 1, 2").fetchall()


def test_a_day_replaces_its_own_rows_alone(connection: psycopg.Connection) -> None:
    after = DAY + timedelta(days=1)
    write(connection, DAY, 1, 2)
    write(connection, after, 1)
    write(connection, DAY, 2, 3, flags='"{""gap"": 2}"')
    assert kept(connection) == [(DAY, 2), (DAY, 3), (after, 1)]
    found = connection.execute(
        "SELECT ac_kwh, efficiency_ratio, flags FROM daily_vehicle_efficiency WHERE vehicle_id = 3"
    )
    assert found.fetchall() == [(10.5, 0.857142857142857, {"gap": 2})]
    write(connection, DAY)
    assert kept(connection) == [(after, 1)]
    assert connection.execute("SELECT flags = %s FROM daily_vehicle_efficiency", [Jsonb({})]).fetchall() == [(None,)]


def test_days_that_are_too_old_go_and_do_not_come_back(connection: psycopg.Connection) -> None:
    newest = DAY + timedelta(days=KEPT_DAYS)
    second = DAY + timedelta(days=1)
    for day in (DAY, second, newest, DAY):
        write(connection, day, 1)
    assert kept(connection) == [(second, 1), (newest, 1)]
