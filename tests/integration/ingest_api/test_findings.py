"""Findings as the API lists and shows them, and what people do to them there."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import serving
from tests.copied_charging import charging_day, session, standby
from tests.integration.ingest_api.json_schema import faults
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem
from tests.integration.postgres.telling import tell
from tests.told_findings import DAY, closed, fault, lake_id, later, told
from warehouse.contract.partitions import midnight
from warehouse.postgres.charging.charging_store import replace_day
from warehouse.postgres.charging.copied_rows import lock_charging

NAMES = ("cheap", "dear", "free", "untold", "less", "over", "clock", "leak")
UNSETTLED = ["dear", "cheap", "free", "leak", "untold", "less", "clock"]
"""By cost, where that is not known by kWh."""


def pair(name: str, number: int, **values: Any) -> dict[str, Any]:
    """A loss of the pair of this number."""
    return told(name, vehicle_id=number, meter_id=number, **values)


@pytest.fixture(scope="module")
def found(make_site: MakeSite) -> Site:
    """An API with findings that nobody changes."""
    site = make_site()
    for number in range(1, 7):
        body = {"vehicleId": f"van-{number}", "meterId": f"dock-{number}"}
        assert site.client.post("/v1/mappings", json=body).status_code == 201
    leak = {"subject_kind": "meter", "rule": "R4", "name": "leakage", "points": None, "cause": None}
    unknown = {"cost": None, "cost_per_month": None, "currency": None}
    tell(
        site.connection,
        [
            pair("cheap", 1, cost_per_month=2.0, severity="critical", session_ids=None),
            pair("dear", 2, cost_per_month=20.006, opened_on=later(-3), subject="vehicle old name at meter old"),
            pair("free", 3, cost_per_month=0.0, kwh_per_month=50.0),
            pair("untold", 4, kwh_per_month=40.0, **unknown),
            pair("less", 5, kwh_per_month=30.0, **unknown),
            closed(pair("over", 6, cost_per_month=5.0, opened_on=later(-9)), DAY),
            fault("clock", vehicle_id=1, meter_id=2, currency=None, detail="<script>alert(1)</script>"),
            told("leak", vehicle_id=None, meter_id=6, kwh_per_month=44.0, subject="meter dock-6", **leak, **unknown),
        ],
    )
    # It is told of as closed for as long as its sessions are looked back on.
    site.connection.execute("UPDATE findings SET day = %s WHERE lake_id = %s", [later(30), lake_id("over")])
    return site


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    called = {lake_id(name): name for name in NAMES}
    return [called[each["id"]] for each in answer.json()["items"]]


def asked(site: Site, **query: object) -> list[str]:
    return names(site.client.get("/v1/findings", params={key: str(value) for key, value in query.items()}))


def test_what_nobody_has_settled_comes_by_cost_and_where_that_is_unknown_by_energy(found: Site) -> None:
    assert asked(found) == UNSETTLED


def test_each_finding_is_on_one_page(found: Site) -> None:
    for limit in (1, 2, 3, 7):
        seen: list[str] = []
        query: dict[str, Any] = {"limit": limit}
        while True:
            answer = found.client.get("/v1/findings", params=query)
            seen += names(answer)
            if answer.json()["nextCursor"] is None:
                break
            query["cursor"] = answer.json()["nextCursor"]
        assert seen == UNSETTLED


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"state": "resolved"}, ["over"]),
        ({"state": "open,resolved", "minCostPerMonth": "2"}, ["dear", "over", "cheap"]),
        ({"state": "accepted"}, []),
        ({"rule": "R8"}, ["clock"]),
        ({"rule": "R4,R8"}, ["leak", "clock"]),
        ({"severity": "critical"}, ["cheap"]),
        ({"subject": "van-1"}, ["cheap", "clock"]),
        ({"subject": "dock-2"}, ["dear", "clock"]),
        ({"subject": "nobody"}, []),
        ({"minCostPerMonth": "0.5"}, ["dear", "cheap"]),
        ({"since": str(later(-2)), "severity": "warning", "rule": "R1"}, ["free", "untold", "less"]),
        ({"sort": "kwhPerMonth", "rule": "R4,R1"}, ["free", "leak", "dear", "untold", "cheap", "less"]),
        ({"sort": "openedOn", "rule": "R1", "minCostPerMonth": "1"}, ["cheap", "dear"]),
        ({"sort": "severity", "limit": "1"}, ["cheap"]),
    ],
    ids=str,
)
def test_filters_hold_together(found: Site, query: dict[str, str], expected: list[str]) -> None:
    ordered = asked(found, **query)
    assert ordered == expected or ("kwhPerMonth" in query.values() and sorted(ordered) == sorted(expected))


@pytest.mark.parametrize(
    "query",
    [
        {"state": "closed"},
        {"state": ""},
        {"state": "open,"},
        {"state": "open\n"},
        {"rule": "R0"},
        {"rule": "R1;R2"},
        {"severity": "<b>"},
        {"subject": "a b"},
        {"minCostPerMonth": "nan"},
        {"minCostPerMonth": "-1"},
        {"minCostPerMonth": "1_0"},
        {"since": "2026-02-30"},
        {"sort": "cost_per_month"},
        {"cursor": "x"},
        {"cursor": "bmFuIG5hbiAw"},
        {"limit": "1001"},
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_refused_and_not_repeated(found: Site, query: dict[str, str]) -> None:
    problem = assert_problem(found.client.get("/v1/findings", params=query), 422, "invalid_request")
    assert "<b>" not in str(problem)


def shown(site: Site, name: str) -> dict[str, Any]:
    answer = site.client.get(f"/v1/findings/{lake_id(name)}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_finding_has_all_its_figures_and_its_events(found: Site) -> None:
    body = shown(found, "dear")
    assert body.pop("events")[0].keys() == {"happenedAt", "actor", "event", "note", "revision", "details"}
    assert body == {
        "id": lake_id("dear"),
        "rule": "R1",
        "ruleVersion": 1,
        "name": "excess_loss",
        "kind": "loss",
        "severity": "warning",
        "state": "open",
        "subject": "vehicle van-2 at meter dock-2",
        "subjectKind": "pair",
        "vehicleId": "van-2",
        "meterId": "dock-2",
        "costPerMonth": 20.01,
        "cost": 6.0,
        "currency": "EUR",
        "kwhPerMonth": 40.0,
        "excessKwh": 12.0,
        "excessLowKwh": None,
        "excessHighKwh": None,
        "points": 4.0,
        "z": None,
        "openedOn": str(later(-3)),
        "day": str(DAY),
        "onsetFrom": None,
        "onsetAt": f"{DAY}T00:00:00.000Z",
        "onsetUntil": None,
        "cause": "undecided",
        "causeProbability": None,
        "decidingTest": None,
        "assignedTo": None,
        "snoozedUntil": None,
        "resolvedAt": None,
        "resolvedBecause": None,
        "resolvedBy": None,
        "revision": 1,
        "sessionCount": 8,
        "detail": "4.0 points of the efficiency are lost",
        "evidence": {"sessions": [], "standby": [], "efficiencyRatio": None, "expectedRatio": None},
    }
    assert [event["event"] for event in shown(found, "over")["events"]] == ["opened", "resolved"]


def test_an_event_says_what_was_known_then_as_all_else_is_said(found: Site) -> None:
    (event,) = shown(found, "dear")["events"]
    assert event["details"] == {
        "day": str(DAY),
        "severity": "warning",
        "points": 4.0,
        "kwhPerMonth": 40.0,
        "costPerMonth": 20.01,
        "currency": "EUR",
    }


def test_a_device_that_was_renamed_is_called_as_it_is_now(found: Site) -> None:
    vehicle = "SELECT vehicle_id FROM findings WHERE lake_id = %s"
    for name in ("neu<b>", "van-3"):
        found.connection.execute(
            b"UPDATE vehicles SET external_id = %s WHERE vehicle_id = (" + vehicle.encode() + b")",
            [name, lake_id("free")],
        )
        body = shown(found, "free")
        assert (body["subject"], body["vehicleId"]) == (f"vehicle {name} at meter dock-3", name)


def test_text_is_data(found: Site) -> None:
    answer = found.client.get(f"/v1/findings/{lake_id('clock')}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["detail"] == "<script>alert(1)</script>"


def test_without_a_tariff_costs_are_null(found: Site) -> None:
    body = shown(found, "untold")
    assert (body["cost"], body["costPerMonth"], body["currency"], body["kwhPerMonth"]) == (None, None, None, 40.0)


class TestEvidence:
    """Sessions beside what was expected of them."""

    @pytest.fixture(autouse=True)
    @staticmethod
    def _sessions(found: Site) -> Iterator[None]:
        def write(rows: Sequence[dict[str, Any]], of_meters: Sequence[dict[str, Any]]) -> None:
            with found.connection.transaction():
                lock_charging(found.connection)
                replace_day(found.connection, charging_day(DAY, rows, of_meters))

        def charge(number: int, name: str, minutes: int, **values: Any) -> dict[str, Any]:
            ended_at = midnight(DAY) + timedelta(minutes=minutes)
            of_pair = {"vehicle_id": number, "meter_id": number, "ended_at": ended_at}
            return session(session_id=name, **{**of_pair, **values})

        rows = [
            charge(2, "before", -1),
            charge(2, "first", 0, ac_kwh=10.0, dc_kwh=8.0),
            charge(2, "doubtful", 600, kind="cut", is_qualified=False, dc_kwh=1.0),
            charge(2, "last", 1439, ac_kwh=10.0, dc_kwh=8.6),
            charge(2, "later", 1440),
            charge(2, "elsewhere", 5, meter_id=3),
            *(charge(3, f"many-{number:02}", number) for number in range(60)),
            *(charge(1, name, 7) for name in ("s1", "s2", "s3")),
            charge(6, "lossy", 1439, ac_kwh=10.0, dc_kwh=8.0),
            charge(6, "repaired", 1440, ac_kwh=10.0, dc_kwh=9.0),
        ]
        write(rows, [standby(meter_id=6, idle_watts=61.0)])
        yield
        write([], [])

    def test_of_a_pair_it_is_the_sessions_since_the_onset(self, found: Site) -> None:
        evidence = shown(found, "dear")["evidence"]
        assert [each["sessionId"] for each in evidence["sessions"]] == ["last", "doubtful", "first"]
        assert (evidence["efficiencyRatio"], evidence["expectedRatio"]) == (0.83, 0.87)
        assert evidence["standby"] == []

    def test_of_what_is_over_it_is_the_sessions_until_then(self, found: Site) -> None:
        evidence = shown(found, "over")["evidence"]
        assert [each["sessionId"] for each in evidence["sessions"]] == ["lossy"]
        assert (evidence["efficiencyRatio"], evidence["expectedRatio"]) == (0.8, 0.84)

    def test_it_is_bounded_to_the_newest(self, found: Site) -> None:
        sessions = shown(found, "free")["evidence"]["sessions"]
        assert [each["sessionId"] for each in sessions] == [f"many-{number:02}" for number in range(59, 9, -1)]

    def test_where_a_rule_names_sessions_it_is_those(self, found: Site) -> None:
        evidence = shown(found, "clock")["evidence"]
        assert {each["sessionId"] for each in evidence["sessions"]} == {"s1", "s2"}
        assert evidence["expectedRatio"] is None

    def test_of_a_leak_it_is_the_days_of_standby(self, found: Site) -> None:
        evidence = shown(found, "leak")["evidence"]
        assert evidence["sessions"] == []
        assert [(each["day"], each["idleWatts"]) for each in evidence["standby"]] == [(str(DAY), 61.0)]


@pytest.fixture
def url(site: Site) -> str:
    """A finding of its own, to act on."""
    ((number,),) = site.rows("INSERT INTO vehicles (external_id) VALUES (gen_random_uuid()) RETURNING vehicle_id")
    name = str(uuid4())
    known = [told(str(lake), finding_id=str(lake), vehicle_id=each) for lake, each in open_findings(site)]
    tell(site.connection, [*known, told(name, vehicle_id=number)])
    return f"/v1/findings/{lake_id(name)}"


def open_findings(site: Site) -> list[tuple[Any, ...]]:
    return site.rows("SELECT lake_id, vehicle_id FROM findings WHERE told_state = 'open'")


FOREVER = "2199-01-01T00:00:00.000Z"
BODIES: dict[str, dict[str, Any]] = {
    "acknowledge": {"who": "ann", "note": "the <b>fan</b> is ordered"},
    "snooze": {"who": "ann", "until": FOREVER},
    "accept": {"who": "ann", "note": "a longer cable"},
    "resolve": {"who": "ann", "note": "mended"},
    "reopen": {"who": "ann"},
    "assign": {"who": "ann", "assignee": "bob"},
}


def act(site: Site, url: str, name: str, **values: Any) -> httpx.Response:
    return site.client.post(f"{url}/{name}", json={**BODIES[name], **values})


def test_a_life_of_a_finding(site: Site, url: str) -> None:
    states = []
    for name in ("assign", "acknowledge", "snooze", "accept", "resolve", "reopen"):
        for _ in range(2):  # sent again it changes nothing
            answer = act(site, url, name)
            assert answer.status_code == 200, answer.text
        states.append((name, answer.json()["state"], answer.json()["revision"]))
        if name == "snooze":
            assert answer.json()["snoozedUntil"] == FOREVER
        if name == "resolve":
            assert (answer.json()["resolvedBecause"], answer.json()["resolvedBy"]) == ("mended", "ann")
    assert states == [
        ("assign", "open", 2),
        ("acknowledge", "acknowledged", 3),
        ("snooze", "snoozed", 4),
        ("accept", "accepted", 5),
        ("resolve", "resolved", 6),
        ("reopen", "open", 7),
    ]
    body = site.client.get(url).json()
    assert (body["assignedTo"], body["resolvedAt"], body["snoozedUntil"]) == ("bob", None, None)
    assert [(each["event"], each["actor"], each["note"]) for each in body["events"]] == [
        ("opened", "pipeline", None),
        ("assigned", "ann", None),
        ("acknowledged", "ann", "the <b>fan</b> is ordered"),
        ("snoozed", "ann", None),
        ("accepted", "ann", "a longer cable"),
        ("resolved", "ann", "mended"),
        ("reopened", "ann", None),
    ]


def test_who_looked_at_an_older_revision_gets_the_newer_state(site: Site, url: str) -> None:
    assert act(site, url, "acknowledge", revision=1).json()["revision"] == 2
    problem = assert_problem(act(site, url, "resolve", who="bob", revision=1), 409, "finding_changed")
    assert (problem["finding"]["state"], problem["finding"]["revision"]) == ("acknowledged", 2)
    document = site.client.get("/openapi.json").json()
    responses = document["paths"]["/v1/findings/{id}/resolve"]["post"]["responses"]
    schema = responses["409"]["content"]["application/problem+json"]["schema"]
    assert schema["properties"]["finding"] == {"$ref": "#/components/schemas/Finding"}
    assert list(faults(problem, schema, document)) == []
    assert act(site, url, "resolve", who="bob", revision=2).status_code == 200


def test_of_two_at_once_one_is_told_that_the_other_was_quicker(site: Site, url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda who: act(site, url, "acknowledge", who=who, revision=1), "abcdef"))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert {answer.json()["finding"]["state"] for answer in answers if answer.status_code == 409} == {"acknowledged"}
    assert len(site.client.get(url).json()["events"]) == 2


def test_what_its_state_does_not_allow_is_refused_with_the_state(site: Site, url: str) -> None:
    assert act(site, url, "resolve").status_code == 200
    for name in ("acknowledge", "snooze", "accept"):
        problem = assert_problem(act(site, url, name), 409, "finding_changed")
        assert problem["finding"]["state"] == "resolved"


def test_an_assignment_is_taken_back(site: Site, url: str) -> None:
    assert act(site, url, "assign").json()["assignedTo"] == "bob"
    assert act(site, url, "assign", assignee=None).json()["assignedTo"] is None


def test_a_snooze_that_ran_out_is_open(site: Site, url: str) -> None:
    assert act(site, url, "snooze").json()["state"] == "snoozed"
    site.connection.execute("UPDATE findings SET snoozed_until = '2026-02-08Z' WHERE state = 'snoozed'")
    body = site.client.get(url).json()
    assert (body["state"], body["snoozedUntil"]) == ("open", None)


BAD: list[tuple[str, Any]] = [
    ("acknowledge", {}),
    ("acknowledge", {"who": ""}),
    ("acknowledge", {"who": " "}),
    ("acknowledge", {"who": "pipeline"}),
    ("acknowledge", {"who": "a" * 201}),
    ("acknowledge", {"who": "a\0"}),
    ("acknowledge", {"who": 5}),
    ("acknowledge", {"who": "ann", "note": "n" * 2001}),
    ("acknowledge", {"who": "ann", "note": "a\0"}),
    ("acknowledge", {"who": "ann", "revision": 0}),
    ("acknowledge", {"who": "ann", "revision": "1"}),
    ("acknowledge", {"who": "ann", "revision": 2**40}),
    ("acknowledge", {"who": "ann", "until": FOREVER}),
    ("acknowledge", []),
    ("snooze", {"who": "ann"}),
    ("snooze", {"who": "ann", "until": "2026-02-08"}),
    ("snooze", {"who": "ann", "until": "2026-02-08T00:00:00Z"}),
    ("assign", {"who": "ann"}),
    ("assign", {"who": "ann", "assignee": ""}),
    ("assign", {"who": "ann", "assignee": "a\0"}),
]


@pytest.mark.parametrize(("name", "body"), BAD, ids=lambda value: str(value)[:40])
def test_an_act_that_says_too_little_or_too_much_changes_nothing(site: Site, url: str, name: str, body: Any) -> None:
    assert_problem(site.client.post(f"{url}/{name}", json=body), 422, "invalid_request")
    assert site.client.get(url).json()["revision"] == 1


def test_a_lone_surrogate_and_a_broken_body_are_no_defect(site: Site, url: str) -> None:
    headers = {"Content-Type": "application/json"}
    for content, status in ((b'{"who":"\\ud800"}', 422), (b'{"who":"a"', 400), (b'{"who":"a","who":"b"}', 422)):
        assert site.client.post(f"{url}/acknowledge", content=content, headers=headers).status_code == status


def test_what_is_not_there_is_told(site: Site) -> None:
    nobody = f"/v1/findings/{uuid4()}"
    assert_problem(site.client.get(nobody), 404, "finding_not_found")
    for name in BODIES:
        assert_problem(act(site, nobody, name), 404, "finding_not_found")
    for no_id in ("x", "1", "{3f2a9c01-52d4-5e0b-9a57-0d4c1f6f7a11}", "3f2a9c0152d45e0b9a570d4c1f6f7a11"):
        assert_problem(site.client.get(f"/v1/findings/{no_id}"), 422, "invalid_request")
        assert_problem(act(site, f"/v1/findings/{no_id}", "reopen"), 422, "invalid_request")


def test_an_act_waits_for_the_pipeline_and_then_sees_what_it_wrote(site: Site, url: str) -> None:
    """A release holds the findings until it commits."""
    with ThreadPoolExecutor(1) as pool:
        with site.connection.transaction():
            site.connection.execute("SELECT pg_advisory_xact_lock(%s, 1)", [0x66696E64])
            answer = pool.submit(act, site, url, "acknowledge")
            while not answer.done() and not waiting(site):
                pass
            site.connection.execute("UPDATE findings SET points = 7")
        assert answer.result().json()["points"] == 7.0


def waiting(site: Site) -> bool:
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    waits = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND {here}"
    return site.rows(waits) != [(0,)]


def test_a_database_that_is_away_is_told() -> None:
    with serving(database_url="postgresql://fleet@127.0.0.1:1/fleet") as client:
        answer = client.post(f"/v1/findings/{uuid4()}/reopen", json={"who": "ann"})
    assert_problem(answer, 503, "database_unavailable")
    assert answer.headers["retry-after"]
