"""Findings as they are asked for: filtered, sorted by money, page by page."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.integration.postgres.telling import tell
from tests.told_findings import DAY, closed, fault, lake_id, later, told
from warehouse.contract.errors import FindingNotFoundError, InvalidRequestError
from warehouse.postgres.findings.acts import Act, Request, act_on_finding
from warehouse.postgres.findings.finding_reads import Asked, Sort, find_finding, list_findings

NAMES = ("cheap", "dear", "free", "unknown", "over", "clock")


@pytest.fixture(autouse=True)
def _findings(connection: psycopg.Connection) -> None:
    for number in range(1, 6):
        connection.execute("INSERT INTO vehicles (external_id) VALUES (%s)", [f"van-{number}"])
        connection.execute("INSERT INTO meters (external_id) VALUES (%s)", [f"dock-{number}"])
    tell(
        connection,
        [
            pair("cheap", 1, cost_per_month=2.0, points=9.0, severity="critical"),
            pair("dear", 2, cost_per_month=19.996, opened_on=later(-3)),
            pair("free", 3, cost_per_month=0.0, opened_on=later(-2)),
            pair("unknown", 4, cost_per_month=None, currency=None, opened_on=later(-1)),
            closed(pair("over", 5, cost_per_month=5.0, opened_on=later(-9)), DAY),
            fault("clock", vehicle_id=1, meter_id=2, severity="info"),
        ],
    )


def pair(name: str, number: int, **values: Any) -> dict[str, Any]:
    return told(name, vehicle_id=number, meter_id=number, **values)


def names(connection: psycopg.Connection, **asked: Any) -> list[str]:
    called = {lake_id(name): name for name in NAMES}
    page = list_findings(connection, Asked(**asked))
    assert page.next_cursor is None
    return [called[str(row["finding_id"])] for row in page.findings]


def test_the_most_expensive_comes_first_and_what_costs_nothing_before_what_is_not_known(
    connection: psycopg.Connection,
) -> None:
    assert names(connection)[:4] == ["dear", "over", "cheap", "free"]
    assert set(names(connection)[4:]) == {"unknown", "clock"}


@pytest.mark.parametrize(
    ("sort", "first"),
    [(Sort.POINTS, "cheap"), (Sort.SEVERITY, "cheap"), (Sort.OPENED_ON, "cheap"), (Sort.COST_PER_MONTH, "dear")],
)
def test_it_is_sorted_as_asked(connection: psycopg.Connection, sort: Sort, first: str) -> None:
    kind = {"kinds": ["loss"]}
    assert names(connection, sort=sort, **kind)[0] == first


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"states": ["resolved"]}, ["over"]),
        ({"states": ["open", "resolved"], "kinds": ["data"]}, ["clock"]),
        ({"rules": ["R8"]}, ["clock"]),
        ({"severities": ["critical", "info"]}, ["cheap", "clock"]),
        ({"subject": "van-1"}, ["cheap", "clock"]),
        ({"subject": "dock-2"}, ["clock", "dear"]),
        ({"subject": "van"}, []),
        ({"min_cost_per_month": 2.0}, ["cheap", "dear", "over"]),
        ({"min_cost_per_month": 20.0}, ["dear"]),  # it is shown with two digits
        ({"min_cost_per_month": 0.0}, ["cheap", "dear", "free", "over"]),
        ({"min_cost_per_month": 20.01}, []),
        ({"since": later(-1)}, ["cheap", "clock", "unknown"]),
        ({"since": later(-1), "states": ["open"], "min_cost_per_month": 1.0}, ["cheap"]),
    ],
    ids=str,
)
def test_filters_hold_together(connection: psycopg.Connection, asked: dict[str, Any], expected: list[str]) -> None:
    assert sorted(names(connection, **asked)) == expected


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("limit", [1, 2, 4, 5])
def test_pages_hold_each_finding_once_in_order(connection: psycopg.Connection, sort: Sort, limit: int) -> None:
    whole = [row["finding_id"] for row in list_findings(connection, Asked(sort=sort)).findings]
    found: list[UUID] = []
    cursor = None
    for _ in range(len(whole)):
        page = list_findings(connection, Asked(sort=sort, limit=limit, cursor=cursor))
        assert len(page.findings) <= limit
        found += [row["finding_id"] for row in page.findings]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert (found, cursor) == (whole, None)


def test_a_page_goes_on_where_it_was_though_findings_came_in_between(connection: psycopg.Connection) -> None:
    page = list_findings(connection, Asked(limit=2))
    connection.execute("UPDATE findings SET cost_per_month = 30 WHERE cost_per_month = 0")
    rest = list_findings(connection, Asked(cursor=page.next_cursor))
    assert [str(row["finding_id"]) for row in rest.findings][:1] == [lake_id("cheap")]


def test_a_cursor_of_another_order_is_refused(connection: psycopg.Connection) -> None:
    cursor = list_findings(connection, Asked(limit=2, sort=Sort.POINTS)).next_cursor
    assert list_findings(connection, Asked(limit=2, sort=Sort.POINTS, cursor=cursor)).findings
    with pytest.raises(InvalidRequestError, match="in this order"):
        list_findings(connection, Asked(limit=2, sort=Sort.SEVERITY, cursor=cursor))


@pytest.mark.parametrize("cursor", ["x", "", "====", "bmFuIDAwMDAwMDAw", "\ud800", "MSAyIDM="])
def test_a_cursor_of_somebody_else_is_refused(connection: psycopg.Connection, cursor: str) -> None:
    if cursor:
        with pytest.raises(InvalidRequestError, match="cursor"):
            list_findings(connection, Asked(cursor=cursor))
    else:
        assert len(list_findings(connection, Asked(cursor=cursor)).findings) == 6


def test_a_snooze_that_ran_out_is_found_among_the_open_ones(connection: psycopg.Connection) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    act_on_finding(connection, UUID(lake_id("dear")), Request(Act.SNOOZE, "ann", until=until))

    def snoozed(at: datetime) -> list[str]:
        return [str(row["finding_id"]) for row in list_findings(connection, Asked(states=["snoozed"]), at).findings]

    assert snoozed(until - timedelta(seconds=1)) == [lake_id("dear")]
    assert snoozed(until) == []


def test_devices_are_called_as_they_are_now(connection: psycopg.Connection) -> None:
    connection.execute("UPDATE vehicles SET external_id = 'renamed' WHERE external_id = 'van-2'")
    row = find_finding(connection, UUID(lake_id("dear")))
    assert (row["vehicle_external_id"], row["meter_external_id"]) == ("renamed", "dock-2")
    assert names(connection, subject="renamed") == ["dear"]


def test_what_is_not_there_is_told(connection: psycopg.Connection) -> None:
    with pytest.raises(FindingNotFoundError):
        find_finding(connection, UUID(int=1))
