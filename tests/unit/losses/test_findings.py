"""Findings from day to day: open, followed, closed, the same again, accepted; the same rows however they were made."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.unit.losses.drawn import FIRST, noisy, rows_of
from warehouse.losses.charger_scores import Known, charger_scores
from warehouse.losses.findings import findings_of_day
from warehouse.losses.panel import Floats
from warehouse.losses.schemas import ACCEPTED

FLEET = np.array([0.075, 0.20, 0.012, 0.006, 0.0])
NONE_ACCEPTED = pl.DataFrame(schema=ACCEPTED)


def day_of(number: int) -> date:
    return FIRST + timedelta(days=number)


def followed(
    rows: pl.DataFrame, days: Sequence[int], known: Known | None = None, accepted: pl.DataFrame = NONE_ACCEPTED
) -> Mapping[int, Known]:
    """What is known at the end of each of these days."""
    after: dict[int, Known] = {}
    current = known or Known.nothing()
    for number in days:
        day = day_of(number)
        told = charger_scores(rows, FLEET, current, day)
        found = findings_of_day(told.scores, current.findings, accepted, day)
        current = Known(found, pl.concat([current.common_modes, told.common_mode]))
        after[number] = current
    return after


def losing(extra: Mapping[range, float], count: int = 90, seed: int = 1) -> Floats:
    losses = noisy(seed, count)
    for days, more in extra.items():
        losses[days.start : days.stop] += more
    return losses


def states(after: Mapping[int, Known]) -> list[str | None]:
    """The state of the newest finding on each day; None where there is none."""
    found = [known.findings.sort("opened_on")["state"].to_list() for known in after.values()]
    return [each[-1] if each else None for each in found]


def test_a_shift_opens_within_days_and_says_since_when_and_how_much() -> None:
    after = followed(rows_of(1, losing({range(40, 90): 0.06})), range(35, 61))
    opened = next(number for number, known in after.items() if "open" in known.findings["state"])
    assert 42 <= opened <= 44
    found = after[60].findings.row(0, named=True)
    assert found["state"] == "open"
    assert found["opened_on"] == day_of(opened)
    assert found["onset_at"].date() == day_of(40)
    assert found["onset_from"] < found["onset_at"] <= found["onset_until"]
    assert found["session_count"] == 21
    assert found["excess_kwh"] == pytest.approx(21 * 0.6, rel=0.06)
    assert abs(found["excess_kwh"] - 21 * 0.6) < 2.5 * found["excess_deviation_kwh"]
    assert found["points"] == pytest.approx(100 * (1 / 1.125 - 1 / 1.185), rel=0.06)
    assert found["older_count"] == 40


def test_nothing_opens_where_nothing_happens() -> None:
    assert states(followed(rows_of(1, noisy(2, 90)), range(30, 90))) == [None] * 60


def test_it_closes_when_seven_sessions_in_the_median_are_as_before() -> None:
    after = followed(rows_of(1, losing({range(40, 55): 0.06})), range(35, 75))
    closed = next(number for number, known in after.items() if "closed" in known.findings["state"])
    assert closed == 58  # of the sessions of days 52 to 58 four are as before
    row = after[closed].findings.row(0, named=True)
    assert row["closed_on"] == day_of(58)
    assert row["excluded_until"].date() == day_of(52)
    assert states(after)[-1] == "closed"


def test_what_comes_back_within_14_days_is_the_same_finding() -> None:
    after = followed(rows_of(1, losing({range(40, 55): 0.06, range(60, 90): 0.06})), range(35, 75))
    assert states(after)[-1] == "open"
    findings = after[74].findings
    assert findings.height == 1
    assert findings["opened_on"].to_list() == after[50].findings["opened_on"].to_list()
    assert findings["finding_id"].to_list() == after[50].findings["finding_id"].to_list()


def test_what_comes_back_is_not_closed_again_by_a_day_without_a_session() -> None:
    """A session every other day. When it comes back, three of the last seven show it, and the next day no more do."""
    rows = rows_of(1, losing({range(25, 35): 0.06, range(40, 60): 0.06}, count=60))
    number = (pl.col("day") - FIRST).dt.total_days()
    rows = rows.with_columns(pl.col("day", "ended_at") + pl.duration(days=number))
    told = [state for state in states(followed(rows, range(50, 120))) if state != "suspected"]
    changes = [state for place, state in enumerate(told) if place == 0 or state != told[place - 1]]
    assert changes == [None, "open", "closed", "open"]


def test_a_suspicion_is_dropped_when_nothing_was_seen_of_the_pair_for_45_days() -> None:
    losses = noisy(1, 42, sigma=0.003)
    losses[-10:] += 0.018
    after = followed(rows_of(1, losses), [41, 85, 86])
    assert [states({day: after[day]}) for day in after] == [["suspected"], ["suspected"], [None]]


def test_what_loses_less_in_the_whole_is_not_suspected() -> None:
    """Seven sessions lose two points more, and in the eighth, the newest, DC is 3 % above AC."""
    losses = noisy(2, 60, sigma=0.003)
    losses[-8:] += 0.02
    losses[-1] = -0.03
    assert followed(rows_of(1, losses), [59])[59].findings.is_empty()


def test_what_comes_back_later_is_another_finding() -> None:
    after = followed(rows_of(1, losing({range(40, 55): 0.06, range(78, 90): 0.06})), range(35, 90))
    findings = after[89].findings
    assert findings["state"].to_list() == ["closed", "open"]
    assert findings["finding_id"].n_unique() == 2
    # The sessions of the first one are in no baseline: 78 days less those from its onset to its end.
    assert findings["older_count"].to_list() == [40, 78 - 12]


def test_an_accepted_finding_is_the_new_normal() -> None:
    rows = rows_of(1, losing({range(40, 120): 0.06, range(100, 120): 0.06}, count=120))
    accepted = pl.DataFrame([(1, 1, day_of(50))], ACCEPTED, orient="row")
    after = followed(rows, range(35, 120), accepted=accepted)
    assert after[51].findings["state"].to_list() == ["accepted"]
    assert states(after)[99 - 35] == "accepted"
    last = after[119].findings.row(1, named=True)
    assert (last["state"], last["onset_at"].date()) == ("open", day_of(100))
    assert last["older_count"] == 60


def test_a_pair_without_a_session_keeps_its_finding_as_it_is() -> None:
    rows = rows_of(1, losing({range(40, 90): 0.06})).filter(pl.col("day") < day_of(60))
    after = followed(rows, range(35, 66))
    assert_frame_equal(after[65].findings.drop("z"), after[59].findings.drop("z"))


def unseen_rows(until: int, since: int, lost: float = 0.06) -> pl.DataFrame:
    """A pair that loses six points more from day 40 on, does not charge between two days, and then loses so much."""
    losses = losing({range(40, until): 0.06, range(since, since + 30): lost}, count=since + 30)
    return rows_of(1, losses).filter(~pl.col("day").is_between(day_of(until), day_of(since - 1)))


def test_what_nobody_has_seen_for_45_days_closes_and_says_since_when() -> None:
    after = followed(unseen_rows(60, 300), range(35, 110))
    assert states(after)[59 - 35 : 104 - 35] == ["open"] * 45
    assert states(after)[104 - 35 :] == ["closed"] * 6, "the last session was on day 59"
    row = after[104].findings.row(0, named=True)
    assert (row["why_closed"], row["closed_on"]) == ("not_seen", day_of(104))
    assert row["last_ended_at"].date() == day_of(59) < row["closed_on"]
    assert_frame_equal(after[109].findings, after[104].findings)
    kept = [name for name in after[103].findings.columns if name not in ("state", "closed_on", "why_closed")]
    kept.remove("excluded_until")
    assert_frame_equal(after[104].findings.select(kept), after[103].findings.select(kept), check_exact=True)


@pytest.mark.parametrize(("back", "is_same"), [(114, True), (130, False)])
def test_what_is_seen_again_is_the_same_within_14_days_and_later_another_one(back: int, is_same: bool) -> None:
    after = followed(unseen_rows(60, back), range(35, back + 12))
    findings = after[back + 11].findings
    assert findings["state"].to_list() == (["open"] if is_same else ["closed", "open"])
    assert findings["finding_id"].to_list()[:1] == after[59].findings["finding_id"].to_list()
    assert findings["why_closed"].to_list() == ([None] if is_same else ["not_seen", None])
    assert findings["onset_at"].dt.date().to_list() == ([day_of(40)] if is_same else [day_of(40), day_of(back)])
    assert findings["older_count"].to_list() == [40] * findings.height, "what it lost before is in no baseline"


@pytest.mark.long
def test_a_pair_that_was_repaired_unseen_does_not_open_again() -> None:
    after = followed(unseen_rows(60, 120, lost=0.0), range(35, 150))
    assert set(states(after)[104 - 35 :]) == {"closed"}


def test_what_closed_is_remembered_until_its_last_session_is_not_looked_back_on() -> None:
    """Of a device that is silent after a charge, it is known two days later that this has ended: it is of that day."""
    rows = unseen_rows(60, 210, lost=0.0).with_columns(pl.col("ended_at") - pl.duration(hours=36, minutes=5))
    after = followed(rows, [*range(35, 60), 105, 237, 240])
    assert [after[number].findings["state"].to_list() for number in (59, 105)] == [["open"], ["closed"]]
    last_looked_back_on = day_of(59 + 179)
    scores = [
        charger_scores(some, FLEET, after[237], last_looked_back_on).scores
        for some in (rows, rows.filter(pl.col("day") > day_of(59)))
    ]
    assert scores[0].height == 1
    assert_frame_equal(scores[0], scores[1])
    assert after[240].findings.is_empty()


@pytest.mark.long
def test_a_session_that_comes_late_opens_what_had_closed_as_if_it_had_been_in_time() -> None:
    rows = unseen_rows(60, 300)
    late = rows_of(1, losing({range(40, 90): 0.06})).filter(pl.col("day") == day_of(80))
    without = followed(rows, range(35, 110))
    assert states(without)[-1] == "closed"
    restated = followed(pl.concat([rows, late]), range(80, 110), known=without[79])
    same(restated[109], followed(pl.concat([rows, late]), range(35, 110))[109])
    assert states(restated)[-1] == "open"


def fleet_rows() -> pl.DataFrame:
    losses = [losing({range(40, 90): 0.06} if each % 4 == 0 else {}, seed=each) for each in range(20)]
    return pl.concat([rows_of(number, each) for number, each in enumerate(losses)])


def same(one: Known, other: Known) -> None:
    for mine, its in zip(one, other, strict=True):
        assert_frame_equal(mine, its, check_exact=True)


def test_a_rebuild_gives_the_same_rows() -> None:
    rows = fleet_rows()
    once = followed(rows, range(38, 52))
    again = followed(rows, range(45, 52), known=once[44])
    for number in range(45, 52):
        same(again[number], once[number])


def test_a_restated_day_gives_the_rows_of_a_rebuild_from_scratch() -> None:
    rows = fleet_rows()
    is_late = (pl.col("day") == day_of(42)) & (pl.col("vehicle_id") % 3 == 0)
    first = followed(rows.filter(~is_late), range(38, 52))
    restated = followed(rows, range(42, 52), known=first[41])
    same(restated[51], followed(rows, range(38, 52))[51])


def test_later_sessions_change_nothing_of_a_day() -> None:
    rows = fleet_rows()
    until = rows.filter(pl.col("day") <= day_of(45))
    same(followed(rows, range(38, 46))[45], followed(until, range(38, 46))[45])


def test_one_pair_does_not_depend_on_how_many_others_there_are() -> None:
    rows = fleet_rows().filter(pl.col("vehicle_id") < 10)  # too few for a common mode
    alone = followed(rows.filter(pl.col("vehicle_id") == 4), range(38, 52))[51].findings
    among = followed(rows, range(38, 52))[51].findings.filter(pl.col("vehicle_id") == 4)
    assert_frame_equal(alone, among, rel_tol=1e-9)


def test_a_week_offline_changes_nothing_and_what_was_open_goes_on_after_it() -> None:
    rows = rows_of(1, losing({range(40, 90): 0.06})).filter(~pl.col("day").is_between(day_of(50), day_of(56)))
    after = followed(rows, range(35, 62))
    assert after[56].findings.equals(after[49].findings)
    assert after[61].findings["session_count"].to_list() == [22 - 7]


def test_a_fleet_of_nothing_has_no_findings() -> None:
    known = followed(rows_of(1, []), range(2))[1]
    assert known.findings.height == 0
    assert known.common_modes["common_kw"].to_list() == [0.0, 0.0]


def test_a_fleet_that_doubles_overnight_changes_nothing_of_those_that_were_there() -> None:
    old = fleet_rows().filter(pl.col("vehicle_id") < 10)
    new = fleet_rows().filter(pl.col("vehicle_id") >= 10, pl.col("day") >= day_of(44))
    before, after = followed(old, range(38, 52))[51], followed(pl.concat([old, new]), range(38, 52))[51]
    states_of = [
        known.findings.filter(pl.col("vehicle_id") < 10).select("vehicle_id", "state") for known in (before, after)
    ]
    assert_frame_equal(*states_of)
    assert after.findings.filter(pl.col("vehicle_id") >= 10).height == 0


def test_a_fleet_without_any_temperature_is_still_watched() -> None:
    rows = rows_of(1, losing({range(40, 90): 0.12}), variance=0.02**2).with_columns(
        battery_celsius=pl.lit(None, pl.Float64), temperature_source=pl.lit("none")
    )
    assert states(followed(rows, range(35, 60)))[-1] == "open"


def test_what_a_whole_fleet_loses_more_is_nobodys_fault() -> None:
    losses = [losing({range(40, 60): 0.03}, count=60, seed=each) for each in range(60)]
    after = followed(pl.concat([rows_of(number, each) for number, each in enumerate(losses)]), range(38, 60))
    assert after[59].findings.filter(pl.col("state") == "open").height == 0
    shared = after[59].common_modes.filter(pl.col("day") == day_of(45))["common_kw"][0]
    assert shared == pytest.approx(0.03 / 0.25, rel=0.15)
