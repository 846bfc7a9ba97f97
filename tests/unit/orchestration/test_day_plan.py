"""Which days the sensor asks for, and what it says of the others."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from orchestration.assets.partitions import MOST_TOGETHER, range_tags
from orchestration.scheduling.day_plan import MOST_UNDER_WAY, QueuedRebuild, plan_runs, rebuild_name
from orchestration.scheduling.past_runs import Outcome, PastRuns
from orchestration.tags import DAYS_TAG, WHY_TAG
from warehouse.postgres.ledger.day_ledger import DayToRun

FIRST_DAY = date(2026, 2, 1)


def to_run(day: date, **fields: object) -> DayToRun:
    known = {
        "meter_version": 0,
        "vehicle_version": 0,
        "requested": 0,
        "built": 0,
        "is_unexported": True,
        "is_dirty": False,
        "was_sealed": False,
    }
    return DayToRun(day=day, **{**known, **fields})  # type: ignore[arg-type]


DAYS = [to_run(FIRST_DAY + timedelta(days=number)) for number in range(7)]
MANY_DAYS = [to_run(FIRST_DAY + timedelta(days=number)) for number in range(40)]


def looks(
    is_held: bool = False, past: PastRuns | None = None, goes_along: bool = False
) -> Callable[[DayToRun], QueuedRebuild]:
    return lambda day: QueuedRebuild(f"rebuild-of-{day.day}", is_held, past, goes_along)


def test_runs_are_requested_for_the_oldest_days_and_the_rest_wait_for_their_turn() -> None:
    plan = plan_runs(DAYS, FIRST_DAY, [], looks())
    assert [request.partition_key for request in plan.requests] == [str(day.day) for day in DAYS[:MOST_UNDER_WAY]]
    assert plan.requests[0].run_key == "rebuild-of-2026-02-01.attempt-1"
    assert plan.remarks == ["3 later days wait for their turn"]


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ({}, "day closed"),
        ({"is_unexported": False, "is_dirty": True}, "late readings"),
        ({"is_unexported": False, "requested": 3, "built": 2}, "inputs changed"),
    ],
)
def test_a_run_says_why_it_is(day: dict[str, object], why: str) -> None:
    (request,) = plan_runs([to_run(FIRST_DAY, **day)], FIRST_DAY, [], looks()).requests
    assert request.tags[WHY_TAG] == why


def test_what_is_under_way_takes_its_place() -> None:
    plan = plan_runs(DAYS, FIRST_DAY, [[FIRST_DAY], [date(2026, 2, 2)], [date(2025, 12, 24)]], looks())
    assert [request.partition_key for request in plan.requests] == ["2026-02-03"]
    assert plan.remarks[:2] == ["2026-02-01 is under way", "2026-02-02 is under way"]


def test_a_run_of_many_days_takes_one_place() -> None:
    plan = plan_runs(DAYS, FIRST_DAY, [[day.day for day in DAYS[:3]]], looks())
    assert [request.partition_key for request in plan.requests] == ["2026-02-04", "2026-02-05", "2026-02-06"]
    assert plan.remarks[-1] == "1 later day waits for its turn"


def test_small_days_that_follow_each_other_go_together() -> None:
    plan = plan_runs(MANY_DAYS, FIRST_DAY, [[date(2025, 12, 24)]], looks(goes_along=True))
    weeks = [MANY_DAYS[first : first + MOST_TOGETHER] for first in (0, 7, 14)]
    assert plan.remarks == ["19 later days wait for their turn"]
    for request, week in zip(plan.requests, weeks, strict=True):
        first, last = str(week[0].day), str(week[-1].day)
        expected = {WHY_TAG: "day closed", DAYS_TAG: f"{first} to {last}", **range_tags(first, last)}
        assert (request.partition_key, request.tags) == (None, expected)
        assert request.run_key == " ".join(f"rebuild-of-{day.day}" for day in week)


@pytest.mark.parametrize(
    "second",
    [
        looks(),
        looks(is_held=True, goes_along=True),
        looks(past=PastRuns(1, "abcdef0123456789", Outcome.TO_BE_REPEATED)),
    ],
    ids=["large", "held", "requested before"],
)
def test_a_day_that_does_not_go_along_parts_its_neighbours(second: Callable[[DayToRun], QueuedRebuild]) -> None:
    along = looks(goes_along=True)
    plan = plan_runs(DAYS[:3], FIRST_DAY, [], lambda day: second(day) if day is DAYS[1] else along(day))
    is_asked = not second(DAYS[1]).is_held
    days = [DAYS[0], *([DAYS[1]] if is_asked else []), DAYS[2]]
    assert [request.partition_key for request in plan.requests] == [str(day.day) for day in days]


def test_days_apart_are_run_one_by_one() -> None:
    plan = plan_runs([DAYS[0], DAYS[2]], FIRST_DAY, [], looks(goes_along=True))
    assert [request.partition_key for request in plan.requests] == [str(DAYS[0].day), str(DAYS[2].day)]


def test_a_day_that_is_held_is_passed_by() -> None:
    plan = plan_runs(DAYS[:1], FIRST_DAY, [], looks(is_held=True))
    assert plan.requests == []
    assert plan.remarks == ["2026-02-01 is held by an import or another worker"]


def test_a_day_before_the_first_one_says_what_to_set() -> None:
    plan = plan_runs(DAYS[:1], FIRST_DAY + timedelta(days=1), [], looks())
    (remark,) = plan.remarks
    assert remark.startswith("2026-02-01 is before Dagster's first partition, 2026-02-02, which is moved back")
    assert remark.endswith("not before FLEET_FIRST_DAY")


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CANCELED, Outcome.BROKE_OFF_TOO_OFTEN, Outcome.INCOMPLETE])
def test_a_person_is_told_what_to_do(outcome: Outcome) -> None:
    past = PastRuns(1, "abcdef0123456789", outcome, "no disk")
    plan = plan_runs(DAYS[:1], FIRST_DAY, [], looks(past=past))
    assert plan.requests == []
    (remark,) = plan.remarks
    assert remark.startswith(f"2026-02-01 waits for a person: its run abcdef01 {outcome.value}: no disk\n")
    assert remark.endswith("fleetwatt run-day 2026-02-01")


def test_a_run_that_broke_off_is_requested_again_after_a_while() -> None:
    past = PastRuns(2, "abcdef0123456789", Outcome.NOT_YET)
    assert plan_runs(DAYS[:1], FIRST_DAY, [], looks(past=past)).requests == []
    (request,) = plan_runs(DAYS[:1], FIRST_DAY, [], looks(past=past._replace(outcome=Outcome.TO_BE_REPEATED))).requests
    assert request.run_key == "rebuild-of-2026-02-01.attempt-3"


def test_days_that_cannot_be_run_keep_no_other_day_waiting() -> None:
    failed = PastRuns(1, "abcdef0123456789", Outcome.FAILED)
    plan = plan_runs(DAYS, FIRST_DAY, [], lambda day: looks(past=failed if day.day.day < 5 else None)(day))
    assert [request.partition_key for request in plan.requests] == ["2026-02-05", "2026-02-06", "2026-02-07"]


def test_a_runs_own_progress_queues_no_rebuild() -> None:
    before = rebuild_name(to_run(FIRST_DAY), 10)
    exported = to_run(FIRST_DAY, meter_version=1, vehicle_version=1, requested=2, is_unexported=False)
    assert rebuild_name(exported, 10) == before


def test_late_rows_and_other_days_queue_another_rebuild() -> None:
    done = {"meter_version": 1, "vehicle_version": 1, "requested": 2, "built": 2, "is_unexported": False}
    known = rebuild_name(to_run(FIRST_DAY, **done), 10)
    assert rebuild_name(to_run(FIRST_DAY, **{**done, "is_dirty": True}), 11) != known
    assert rebuild_name(to_run(FIRST_DAY, **{**done, "requested": 3}), 10) != known
