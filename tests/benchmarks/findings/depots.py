"""Depots: whose loss is it? By how often vehicles charge where they usually do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
import polars.selectors as cs

from tests.benchmarks.findings.sampled import fleet_coefficients, sampled
from warehouse.losses.sample import Floats
from warehouse.losses.whose_fault import SiteVerdict, Subject, whose_fault
from warehouse.simulation.clock import EPOCH
from warehouse.simulation.faults import FaultKind, Planted
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.layout import BLOCK, DEPOT_CHARGERS

HOME_SHARES = (0.5, 0.6, 0.7, 0.9)
SIZES = (3.0, 5.0, 8.0)
KINDS = (FaultKind.CHARGER_STEP, FaultKind.VEHICLE_LOSS)
FIRST_ONSET_DAY, LAST_ONSET_DAY = 90, 240
HISTORY_DAYS = 180
FOLLOWED_DAYS = 60
"""How long each fault is followed."""
EACH_DAYS = 3
HEALTHY_EACH_DAYS = 10
"""How often a healthy depot is looked at."""


@dataclass(frozen=True)
class Depot:
    """One depot with one fault, and what was said of it, and when: days since the onset, None where never."""

    home_share: float
    seed: int
    kind: FaultKind
    size: float
    found_day: int | None
    named_day: int | None
    is_right: bool | None
    """Of the first name."""
    pair_has_it: bool | None
    """Where a pair was told at first: whether the device is one of the two."""
    false_before: int
    """Findings of the healthy weeks before."""
    healthy_days: int


def followed(seeds: Sequence[int], depots: int, home_shares: Sequence[float] = HOME_SHARES) -> Iterator[Depot]:
    """Each depot of these fleets has one fault: of a charger or of a vehicle, of one of three sizes."""
    for seed in seeds:
        for home_share in home_shares:
            draws = np.random.default_rng(seed)
            planted = []
            for depot in range(depots):
                kind = KINDS[depot % 2]
                among, first = (DEPOT_CHARGERS, DEPOT_CHARGERS * depot) if depot % 2 == 0 else (BLOCK, BLOCK * depot)
                onset = int(draws.integers(FIRST_ONSET_DAY, LAST_ONSET_DAY))
                number = first + int(draws.integers(among))
                planted.append(Planted(kind, number, onset, SIZES[depot // 2 % len(SIZES)]))
            fleet = Fleet(
                BLOCK * depots, seed, depot_share=1.0, fault_share=0.0, planted=planted, home_shares=(home_share,)
            )
            rows = sampled(fleet, EPOCH, EPOCH + timedelta(days=LAST_ONSET_DAY + FOLLOWED_DAYS + 1))
            expected = fleet_coefficients(rows)
            of_depot = (pl.col("vehicle_id") - 1) // BLOCK
            for depot, fault in enumerate(planted):
                yield _follow(rows.filter(of_depot == depot), expected, fault, home_share, seed)


def _follow(own: pl.DataFrame, expected: Floats, fault: Planted, home_share: float, seed: int) -> Depot:
    def said(day: int) -> list[SiteVerdict]:
        end = EPOCH + timedelta(days=day)
        is_known = (pl.col("ended_at") < end) & (pl.col("ended_at") >= end - timedelta(days=HISTORY_DAYS))
        return whose_fault(own.filter(is_known), expected)

    healthy = range(40, fault.since_day, HEALTHY_EACH_DAYS)
    false_before = sum(len(said(day)) > 0 for day in healthy)
    found_day: int | None = None
    named_day: int | None = None
    is_right: bool | None = None
    pair_has_it: bool | None = None
    subject = Subject.CHARGER if fault.kind is FaultKind.CHARGER_STEP else Subject.VEHICLE
    for since in range(EACH_DAYS, FOLLOWED_DAYS + 1, EACH_DAYS):
        verdicts = said(fault.since_day + since)
        if not verdicts:
            continue
        first = verdicts[0]
        ids = {Subject.VEHICLE: first.vehicle_id, Subject.CHARGER: first.meter_id}
        if found_day is None:
            found_day = since
            if first.subject is Subject.PAIR:
                pair_has_it = ids[subject] == fault.number + 1
        if first.subject not in (Subject.PAIR, Subject.UNCLEAR):
            named_day = since
            is_right = first.subject is subject and ids[subject] == fault.number + 1
            break
    return Depot(
        home_share,
        seed,
        fault.kind,
        fault.size,
        found_day,
        named_day,
        is_right,
        pair_has_it,
        false_before,
        len(healthy) * HEALTHY_EACH_DAYS,
    )


def measure(seeds: Sequence[int], depots: int, home_shares: Sequence[float] = HOME_SHARES) -> list[dict[str, object]]:
    """Named of the found and right of the named, by home share."""
    frame = pl.DataFrame([each.__dict__ for each in followed(seeds, depots, home_shares)])
    is_found = pl.col("found_day").is_not_null()
    is_named = pl.col("named_day").is_not_null()
    at_once = (pl.col("named_day") == pl.col("found_day")).sum()
    return list(
        frame.group_by("home_share")
        .agg(
            depots=pl.len(),
            found=is_found.sum(),
            found_5_points=(is_found & (pl.col("size") >= 5)).sum() / (pl.col("size") >= 5).sum(),
            delay_days=pl.col("found_day").median(),
            named_at_once=at_once / is_found.sum(),
            named_30_days=(pl.col("named_day") - pl.col("found_day") <= 30).sum() / is_found.sum(),
            named=is_named.sum(),
            right_of_named=pl.col("is_right").sum() / is_named.sum(),
            pairs_that_have_it=pl.col("pair_has_it").mean(),
            false_before=pl.col("false_before").sum(),
            healthy_years=pl.col("healthy_days").sum() / 365,
        )
        .sort("home_share")
        .with_columns(cs.float().fill_nan(None).round(3), seeds=pl.lit(list(seeds)))
        .iter_rows(named=True)
    )
