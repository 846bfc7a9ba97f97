"""Thresholds of charger models: of these and of no others, in the scores and in what becomes of them."""

from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.unit.losses.drawn import noisy, rows_of
from tests.unit.losses.test_findings import FLEET, NONE_ACCEPTED, day_of, losing
from warehouse.losses.charger_scores import Known, charger_scores
from warehouse.losses.findings import findings_of_day
from warehouse.losses.settings import SETTINGS, LossSettings, Thresholds
from warehouse.losses.thresholds import CHARGER_MODELS, UNLABELLED, with_thresholds

USUAL = SETTINGS.thresholds
OWN, OTHER, NO_LABEL, UNKNOWN = 1, 2, 3, 4
MODELS = pl.DataFrame([(OWN, "fast-150"), (OTHER, "wallbox-11"), (NO_LABEL, None)], CHARGER_MODELS, orient="row")
"""Of meter 4 nothing is known."""
LAST = 64


def settings_with(**own: float) -> LossSettings:
    return replace(SETTINGS, thresholds_of_models={"fast-150": replace(USUAL, **own)})


def states(settings: LossSettings) -> dict[int, list[str]]:
    """Of four pairs that lose alike, and half of it from day 52 on, the state of the finding on each day; another pair
    is as ever."""
    shifted = losing({range(40, 52): 0.06, range(52, 90): 0.03})
    rows = pl.concat(
        [*(rows_of(meter, shifted) for meter in (OWN, OTHER, NO_LABEL, UNKNOWN)), rows_of(9, noisy(9, 90))]
    )
    known, seen = Known.nothing(), {meter: list[str]() for meter in (OWN, OTHER, NO_LABEL, UNKNOWN, 9)}
    for number in range(35, LAST):
        day = day_of(number)
        told = charger_scores(rows, FLEET, known, day, settings, MODELS)
        found = findings_of_day(told.scores, known.findings, NONE_ACCEPTED, day, settings, MODELS)
        known = Known(found, pl.concat([known.common_modes, told.common_mode]))
        now = dict(found.select("meter_id", "state").rows())
        for meter, states_of_meter in seen.items():
            states_of_meter.append(now.get(meter, "none"))
    return seen


def test_each_row_gets_those_of_its_meters_model_and_stays_where_it_is() -> None:
    settings = settings_with(open_z=9.0)
    found = with_thresholds(pl.DataFrame({"meter_id": [4, 1, 2, 3, 1]}, {"meter_id": pl.Int32}), MODELS, settings)
    assert found["meter_id"].to_list() == [4, 1, 2, 3, 1]
    assert found["open_z"].to_list() == [USUAL.open_z, 9.0, USUAL.open_z, USUAL.open_z, 9.0]
    assert set(found["close_share"]) == {USUAL.close_share}


def test_without_other_thresholds_models_change_nothing() -> None:
    rows = rows_of(OWN, losing({range(40, 90): 0.06}))
    labelled, unlabelled = (
        charger_scores(rows, FLEET, Known.nothing(), day_of(50), models=m) for m in (MODELS, UNLABELLED)
    )
    assert_frame_equal(labelled.scores, unlabelled.scores)


@pytest.mark.parametrize("own", [{"open_z": 1000.0}, {"open_points": 50.0}])
def test_a_model_that_needs_more_is_only_suspected(own: dict[str, float]) -> None:
    seen = states(settings_with(**own))
    assert "suspected" in seen[OWN]
    assert "open" not in seen[OWN]
    for meter in (OTHER, NO_LABEL, UNKNOWN):
        assert "open" in seen[meter]
    assert set(seen[9]) == {"none"}


def test_a_model_of_which_nothing_is_suspected_says_nothing() -> None:
    seen = states(settings_with(suspected_z=1000.0))
    assert set(seen[OWN]) == {"none"}
    assert "open" in seen[OTHER]
    unsuspected = charger_scores(
        rows_of(OWN, losing({range(40, 60): 0.06})),
        FLEET,
        Known.nothing(),
        day_of(50),
        settings_with(suspected_z=1000.0),
        MODELS,
    )
    assert unsuspected.scores["onset_at"].to_list() == [None], "what is not suspected has no onset"


def test_where_half_of_a_loss_is_as_good_as_none_a_finding_closes() -> None:
    seen = states(settings_with(close_share=0.7))
    assert seen[OTHER][-1] == "open"
    assert "closed" in seen[OWN]


def test_of_a_window_more_has_to_lie_above_a_larger_share() -> None:
    """No window is made of sessions that lie at ten times its shift."""
    seen = states(settings_with(close_share=10.0))
    assert "open" not in seen[OWN]
    assert "open" in seen[OTHER]


def test_thresholds_of_a_model_are_all_its_own() -> None:
    own = Thresholds(open_z=7.0)
    assert (
        replace(SETTINGS, thresholds_of_models={"fast-150": own}).thresholds_of_models["fast-150"].suspected_z
        == USUAL.suspected_z
    )
