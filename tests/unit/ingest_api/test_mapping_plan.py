"""What a new mapping of a vehicle to a meter means, given those that are stored."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_api.registry.mapping_plan import SINCE_ALWAYS, MappingPlan, MeterMapping
from warehouse.contract.errors import MappingOverlapError

NOW = datetime(2026, 2, 8, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def plan_on(*known: MeterMapping) -> MappingPlan:
    return MappingPlan.on(known, NOW)


def stored(
    vehicle: str, meter: str, valid_from: datetime, valid_to: datetime | None = None, mapping_id: int = 1
) -> MeterMapping:
    return MeterMapping(vehicle, meter, valid_from, valid_to, mapping_id)


def periods(mappings: Iterable[MeterMapping]) -> list[tuple[str, str, datetime, datetime | None]]:
    return [(each.vehicle_id, each.meter_id, each.valid_from, each.valid_to) for each in mappings]


class TestDefaultBeginning:
    def test_since_always_where_neither_side_was_ever_mapped(self) -> None:
        assert plan_on(stored("other", "elsewhere", NOW - HOUR)).add("v", "m", None).valid_from == SINCE_ALWAYS

    @pytest.mark.parametrize(
        "known",
        [
            stored("v", "other", NOW - HOUR, NOW - HOUR / 2),
            stored("other", "m", NOW - HOUR, NOW - HOUR / 2),
            stored("other", "m", NOW - HOUR),
            stored("other", "m", NOW + HOUR),
        ],
        ids=["vehicle was mapped", "meter was mapped", "meter is mapped", "meter will be mapped"],
    )
    def test_now_where_either_side_was_ever_mapped(self, known: MeterMapping) -> None:
        assert plan_on(known).add("v", "m", None).valid_from == NOW

    def test_now_where_both_sides_were_mapped(self) -> None:
        plan = plan_on(stored("v", "a", NOW - HOUR, NOW), stored("b", "m", NOW - HOUR, NOW))
        assert plan.add("v", "m", None).valid_from == NOW

    def test_an_earlier_wish_of_the_same_request_counts_as_mapped(self) -> None:
        plan = plan_on()
        new_mappings = [("v1", "m1"), ("v2", "m1"), ("v1", "m2"), ("v3", "m3")]
        begins = [plan.add(vehicle, meter, None).valid_from for vehicle, meter in new_mappings]
        assert begins == [SINCE_ALWAYS, NOW, NOW, SINCE_ALWAYS]


def test_a_new_mapping_closes_the_open_one_where_it_begins() -> None:
    plan = plan_on(stored("v", "old", NOW - 2 * HOUR, mapping_id=7))
    plan.add("v", "new", NOW - HOUR)
    assert periods(plan.closed) == [("v", "old", NOW - 2 * HOUR, NOW - HOUR)]
    assert [mapping.mapping_id for mapping in plan.closed] == [7]
    assert periods(plan.opened) == [("v", "new", NOW - HOUR, None)]


def test_a_mapping_of_this_request_is_closed_before_it_is_ever_stored() -> None:
    plan = plan_on()
    for hours, meter in enumerate(["a", "b", "c"]):
        plan.add("v", meter, NOW + hours * HOUR)
    assert plan.closed == []
    assert periods(plan.opened) == [
        ("v", "a", NOW, NOW + HOUR),
        ("v", "b", NOW + HOUR, NOW + 2 * HOUR),
        ("v", "c", NOW + 2 * HOUR, None),
    ]


@pytest.mark.parametrize("valid_from", [None, NOW, NOW - HOUR, NOW + HOUR], ids=["default", "now", "start", "later"])
def test_the_mapping_that_holds_already_is_no_new_one(valid_from: datetime | None) -> None:
    known = stored("v", "m", NOW - HOUR)
    plan = plan_on(known)
    assert plan.add("v", "m", valid_from) is known
    assert (plan.opened, plan.closed) == ([], [])


def test_the_same_beginning_again_is_the_same_mapping_even_when_it_has_ended() -> None:
    known = stored("v", "m", NOW - 2 * HOUR, NOW - HOUR)
    plan = plan_on(known)
    assert plan.add("v", "m", NOW - 2 * HOUR) is known
    assert (plan.opened, plan.closed) == ([], [])


def test_a_mapping_begins_where_the_one_before_ended() -> None:
    plan = plan_on(stored("v", "m", NOW - 2 * HOUR, NOW - HOUR))
    plan.add("v", "m", NOW - HOUR)
    assert periods(plan.opened) == [("v", "m", NOW - HOUR, None)]


@pytest.mark.parametrize("meter", ["m", "other"])
@pytest.mark.parametrize(
    ("known", "valid_from"),
    [
        (stored("v", "m", NOW - 2 * HOUR, NOW), NOW - HOUR),
        (stored("v", "m", NOW - 2 * HOUR, NOW), NOW - 3 * HOUR),
        (stored("v", "m", NOW + HOUR, NOW + 2 * HOUR), NOW),
        (stored("v", "m", NOW + HOUR), NOW),
        (stored("v", "m", NOW + HOUR), None),
    ],
    ids=["inside a closed one", "before a closed one", "before one to come", "before an open one", "now, before it"],
)
def test_what_would_overlap_a_closed_or_future_mapping_is_refused(
    known: MeterMapping, valid_from: datetime | None, meter: str
) -> None:
    with pytest.raises(MappingOverlapError):
        plan_on(known).add("v", meter, valid_from)


def test_another_meter_from_the_same_instant_on_is_refused() -> None:
    with pytest.raises(MappingOverlapError):
        plan_on(stored("v", "m", NOW)).add("v", "other", NOW)


def test_vehicles_do_not_disturb_each_other_and_may_share_a_meter() -> None:
    plan = plan_on(stored("v1", "m", NOW - HOUR))
    plan.add("v2", "m", NOW - HOUR)
    assert periods(plan.opened) == [("v2", "m", NOW - HOUR, None)]
    assert plan.closed == []


NEW_MAPPINGS = st.lists(
    st.tuples(
        st.sampled_from(["v1", "v2"]),
        st.sampled_from(["m1", "m2", "m3"]),
        st.none() | st.integers(-3, 3).map(lambda hours: NOW + hours * HOUR),
    ),
    max_size=12,
)


@given(new_mappings=NEW_MAPPINGS)
def test_whatever_is_mapped_a_vehicle_has_one_meter_at_a_time(
    new_mappings: list[tuple[str, str, datetime | None]],
) -> None:
    plan = plan_on(stored("v1", "m1", NOW - 2 * HOUR, NOW - HOUR), stored("v1", "m2", NOW - HOUR, mapping_id=2))
    for vehicle, meter, valid_from in new_mappings:
        try:
            mapping = plan.add(vehicle, meter, valid_from)
        except MappingOverlapError:
            continue
        assert (mapping.vehicle_id, mapping.meter_id) == (vehicle, meter)
        if valid_from is not None:
            assert mapping.holds_at(valid_from)
    for mappings in plan.known.values():
        ordered = sorted(mappings, key=lambda mapping: mapping.valid_from)
        for mapping, following in pairwise(ordered):
            assert mapping.valid_to is not None
            assert mapping.valid_from < mapping.valid_to <= following.valid_from
