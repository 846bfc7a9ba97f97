"""A pair that was bad from the first day shows beside its peers; without labels or peers nothing is said of it."""

import polars as pl
import pytest

from warehouse.losses.first_day import FirstDay, first_day

EFFICIENCY = 0.89


def pairs(efficiencies: list[float], vehicle_model: str | None = "Zoe", meter_model: str | None = "11") -> pl.DataFrame:
    """Pairs of one model that have these efficiencies at 0.1 hours for a kWh, with 0.2 kW lost whatever the power."""
    return pl.DataFrame(
        {
            "vehicle_id": range(len(efficiencies)),
            "meter_id": range(len(efficiencies)),
            "vehicle_model": [vehicle_model] * len(efficiencies),
            "meter_model": [meter_model] * len(efficiencies),
            "intercept": [1 / each - 1 - 0.02 for each in efficiencies],
            "fixed_kw": [0.2] * len(efficiencies),
            "hours_per_kwh": [0.1] * len(efficiencies),
        },
        schema_overrides={"vehicle_model": pl.String, "meter_model": pl.String},
    )


def test_a_pair_far_below_its_peers_is_bad_and_by_how_much_is_said() -> None:
    found = first_day(pairs([EFFICIENCY - 0.04] + [EFFICIENCY] * 9))
    first = found.row(0, named=True)
    assert first["verdict"] == FirstDay.BAD
    assert first["peer_count"] == 9
    assert first["expected_efficiency"] == pytest.approx(0.85)
    assert first["peer_efficiency"] == pytest.approx(0.89)
    assert first["points_below"] == pytest.approx(4.0)
    assert first["points_allowed"] == 3.0
    assert set(found["verdict"][1:]) == {FirstDay.USUAL}


def test_three_points_are_allowed_and_more_where_peers_differ_more() -> None:
    assert first_day(pairs([EFFICIENCY - 0.0299] + [EFFICIENCY] * 9))["verdict"][0] == FirstDay.USUAL
    assert first_day(pairs([EFFICIENCY - 0.0301] + [EFFICIENCY] * 9))["verdict"][0] == FirstDay.BAD
    wide = [EFFICIENCY + 0.01 * step for step in (-1.5, -1.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.0, 1.5)]
    first = first_day(pairs([EFFICIENCY - 0.05, *wide])).row(0, named=True)
    assert first["verdict"] == FirstDay.USUAL
    assert first["points_allowed"] == pytest.approx(3.5 * 1.4826 * 1.0)


def test_of_fewer_than_nine_peers_nothing_is_said_and_that_is_said() -> None:
    found = first_day(pairs([EFFICIENCY - 0.08] + [EFFICIENCY] * 8))
    assert set(found["verdict"]) == {FirstDay.FEW_PEERS}
    assert found["peer_count"].to_list() == [8] * 9
    assert found["points_below"].null_count() == found["points_allowed"].null_count() == 9


@pytest.mark.parametrize(("vehicle_model", "meter_model"), [(None, "11"), ("Zoe", None), ("", "11"), (None, None)])
def test_without_labels_nothing_is_said_and_that_is_said(vehicle_model: str | None, meter_model: str | None) -> None:
    found = first_day(pairs([EFFICIENCY - 0.08] + [EFFICIENCY] * 20, vehicle_model, meter_model))
    assert set(found["verdict"]) == {FirstDay.NO_LABELS}


def test_peers_are_of_the_same_models_and_rows_stay_in_order() -> None:
    """A small charger loses more, and is no worse than others of its kind."""
    small = pairs([EFFICIENCY - 0.10] * 12, meter_model="3.7")
    found = first_day(pl.concat([pairs([EFFICIENCY - 0.05] + [EFFICIENCY] * 11), small, pairs([0.5], None)]))
    assert found["verdict"].to_list() == [FirstDay.BAD, *[FirstDay.USUAL] * 23, FirstDay.NO_LABELS]


def test_of_no_pairs_there_is_nothing() -> None:
    assert first_day(pairs([])).is_empty()
