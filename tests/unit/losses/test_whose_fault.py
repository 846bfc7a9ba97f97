"""At a depot the device that loses more is named, where the sessions allow it; else the pair, and what would decide."""

from collections.abc import Iterator
from datetime import timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from tests.unit.losses.made_sessions import START, Site, sample_rows
from warehouse.losses.sample import PAIR
from warehouse.losses.settings import SETTINGS
from warehouse.losses.sites import site_of_pairs
from warehouse.losses.whose_fault import SiteVerdict, Subject, whose_fault

FLEET = np.array(SETTINGS.fleet_start)


@cache
def verdicts(site: Site) -> list[SiteVerdict]:
    return whose_fault(site.sessions(), FLEET)


@pytest.mark.parametrize("seed", range(4))
def test_a_charger_that_got_worse_is_named(seed: int) -> None:
    (found,) = verdicts(Site(charger_loss=0.05, seed=seed))
    assert (found.subject, found.vehicle_id, found.meter_id) == (Subject.CHARGER, None, 3)
    assert found.probability >= 0.9
    assert found.counterpart_count >= 3
    assert found.largest_share <= 0.6
    assert abs(found.shift - 0.05) < 3 * found.sigma
    assert found.deciding_charge is None
    before, first = found.began_between
    assert before is not None
    assert before < first
    assert abs(first - (START + timedelta(days=70))) < timedelta(days=4)


@pytest.mark.parametrize("seed", range(4))
def test_a_vehicle_that_got_worse_is_named(seed: int) -> None:
    (found,) = verdicts(Site(vehicle_loss=0.05, home_share=0.35, seed=seed))
    assert (found.subject, found.vehicle_id, found.meter_id) == (Subject.VEHICLE, 5, None)
    assert abs(found.shift - 0.05) < 3 * found.sigma


def test_where_a_vehicle_always_comes_to_one_charger_the_pair_is_told_and_what_would_decide() -> None:
    (found,) = verdicts(Site(vehicles=10, home_share=1.0, charger_loss=0.05))
    assert (found.subject, found.vehicle_id, found.meter_id) == (Subject.PAIR, 3, 3)
    assert found.probability >= 0.9
    assert found.deciding_charge == ("charge vehicle 3 two or three times elsewhere than at 3, and other vehicles at 3")


def test_no_name_where_one_counterpart_has_more_than_sixty_percent() -> None:
    """It is clear enough by the numbers, but rests on the sessions of one charger."""
    (found,) = verdicts(Site(home_share=0.95, vehicle_loss=0.05, days=110))
    assert found.largest_share > 0.6
    assert (found.subject, found.vehicle_id, found.meter_id) == (Subject.PAIR, 5, 5)


def test_a_name_may_rest_on_the_newest_sessions_where_they_are_spread_enough() -> None:
    """Of all 34 since the onset 26 were at one charger."""
    site = Site(home_share=0.85, vehicle_loss=0.05, days=110)
    (found,) = verdicts(site)
    assert (found.subject, found.vehicle_id, found.meter_id) == (Subject.VEHICLE, 5, None)
    assert found.largest_share <= 0.6
    newest = site.sessions().filter(pl.col("vehicle_id") == 5).sort("ended_at")[-found.session_count :]
    assert (newest["meter_id"] == 5).sum() > 0.7 * found.session_count


def test_no_name_with_fewer_than_three_counterparts() -> None:
    (found,) = verdicts(Site(vehicles=6, meters=2, vehicle_loss=0.05))
    assert found.counterpart_count == 2
    assert (found.subject, found.vehicle_id) == (Subject.PAIR, 5)


def test_of_a_healthy_site_nothing_is_told() -> None:
    for seed in range(8):
        assert verdicts(Site(seed=seed)) == []


def test_what_begins_everywhere_at_once_is_told_of_the_site() -> None:
    (found,) = verdicts(Site(site_loss=0.05))
    assert (found.subject, found.vehicle_id, found.meter_id) == (Subject.SITE, None, None)
    assert found.probability >= 0.9


def test_two_faults_at_a_time_are_both_told() -> None:
    found = verdicts(Site(charger_loss=0.05, vehicle_loss=0.06))
    assert {(each.subject, each.vehicle_id, each.meter_id) for each in found} == {
        (Subject.CHARGER, None, 3),
        (Subject.VEHICLE, 5, None),
    }


def test_a_charger_that_was_always_worse_has_not_changed() -> None:
    assert verdicts(Site(charger_loss=0.05, onset_day=0)) == []


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = Site(charger_loss=0.05).sessions()
    assert whose_fault(rows.sort("loss_ratio"), FLEET) == verdicts(Site(charger_loss=0.05))


def sites(sample: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of each site; rows keep their order."""
    named = sample.join(site_of_pairs(sample.select(PAIR).unique(maintain_order=True)), on=PAIR, maintain_order="left")
    for number in named["site_meter_id"].unique().sort():
        yield named.filter(pl.col("site_meter_id") == number).drop("site_meter_id")


def test_a_site_is_what_hangs_together_and_fixed_pairs_are_none() -> None:
    #            site of 1..3 at 1..2      pair         site of 5..6 at 4..5
    vehicle, meter = [1, 1, 2, 3, 4, 4, 5, 5, 6], [1, 2, 2, 1, 3, 3, 4, 5, 5]
    kwh = np.full(9, 10.0)
    rows = sample_rows(
        np.array(vehicle),
        np.array(meter),
        np.arange(9.0),
        ac_kwh=kwh,
        dc_kwh=kwh,
        hours=kwh / 10,
    )
    found = [each["session_id"].to_list() for each in sites(rows)]
    assert found == [["0", "1", "2", "3"], ["6", "7", "8"]]
    assert list(sites(rows.filter(pl.col.vehicle_id == 4))) == []
