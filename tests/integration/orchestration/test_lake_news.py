"""What the terminal says of days that reach the lake: a first build, a rebuild, and what that restated; each once."""

from datetime import date

import psycopg
import pytest

from orchestration.local.lake_news import LakeNews
from warehouse.postgres.ledger.day_ledger import confirm_build, request_build
from warehouse.postgres.ledger.lake_files import publish_file, release_day
from warehouse.postgres.ledger.restatements import RestatedSum, Restatement, add_restatement

DAY, NEXT = date(2026, 11, 28), date(2026, 11, 29)
LOOKING_BACK = "weekly_vehicle_losses looks back on 2026-11-28, which changed; weekly_vehicle_losses.ac_kwh 1 -> 2"
LATE = "1 late reading of meter-00010; lost_against_target_kwh 0.535 -> 2.035"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def news(database_url: str, said: list[str]) -> LakeNews:
    return LakeNews({"FLEET_DATABASE_URL": database_url}, "Dagster", said.append)


def release(connection: psycopg.Connection, day: date, number: int, summary: str | None, *, is_build: bool) -> None:
    """A release of a day, as the daily pipeline makes it: in one transaction with what it restates."""
    request_build(connection, day, "it is a test")
    with connection.transaction():
        if summary:
            sums = [RestatedSum("daily_fleet_efficiency", number, "lost_against_target_kwh", 0.535, 2.035, 1)]
            add_restatement(connection, day, number, Restatement("late", summary, 1, 1, ["meter-00010"], sums))
        publish_file(connection, "marts", day, version=number, sha256=b"", size_bytes=1, row_count=1)
        if is_build:
            confirm_build(connection, day)
        assert release_day(connection, day)


def test_each_build_is_told_once_as_what_it_is(news: LakeNews, said: list[str], connection: psycopg.Connection) -> None:
    def look() -> list[str]:
        said.clear()
        news.look()
        return list(said)

    assert look() == []
    release(connection, DAY, 1, None, is_build=True)
    assert look() == [f"{DAY}: sealed, exported, rolled up and reported; see Dagster"]
    release(connection, DAY, 2, LATE, is_build=True)
    assert look() == [f"{DAY} rebuilt (v2): {LATE}"]
    release(connection, DAY, 3, None, is_build=True)
    assert look() == [f"{DAY} rebuilt (v3): no number changed"]
    assert look() == []


def test_a_first_build_that_somebody_else_tells_of_is_not_told_and_what_comes_after_is(
    database_url: str, said: list[str], connection: psycopg.Connection
) -> None:
    news = LakeNews({"FLEET_DATABASE_URL": database_url}, "Dagster", said.append, lambda day: day == DAY)
    release(connection, DAY, 1, None, is_build=True)
    release(connection, NEXT, 1, None, is_build=True)
    news.look()
    assert said == [f"{NEXT}: sealed, exported, rolled up and reported; see Dagster"]
    release(connection, DAY, 2, LATE, is_build=True)
    news.look()
    assert said[1:] == [f"{DAY} rebuilt (v2): {LATE}"]


def test_models_that_were_built_by_themselves_are_told_of(
    news: LakeNews, said: list[str], connection: psycopg.Connection
) -> None:
    release(connection, DAY, 1, None, is_build=True)
    release(connection, NEXT, 1, None, is_build=True)
    release(connection, NEXT, 2, LOOKING_BACK, is_build=False)
    news.look()
    news.look()
    assert sorted(said) == [
        f"{DAY}: sealed, exported, rolled up and reported; see Dagster",
        f"{NEXT} rebuilt (v2): {LOOKING_BACK}",
    ]


def test_what_was_before_is_no_news(database_url: str, said: list[str], connection: psycopg.Connection) -> None:
    release(connection, DAY, 1, None, is_build=True)
    release(connection, DAY, 2, LATE, is_build=True)
    LakeNews({"FLEET_DATABASE_URL": database_url}, "Dagster", said.append).look()
    assert said == []
