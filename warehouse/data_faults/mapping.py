"""R7: a vehicle that is mapped to the wrong meter. Its sessions agree with those of another one."""

from typing import Any, NamedTuple

import polars as pl

from warehouse.contract.efficiency import efficiency_ratio
from warehouse.contract.findings import Rule
from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.matching import PAIRS, tolerance_s
from warehouse.data_faults.rules import OTHER_METER, fault, found_rows, instant_of
from warehouse.data_faults.settings import SETTINGS, FaultSettings

_BUCKET_US = 7_200_000_000
"""Starts within tau are in the same or neighbouring buckets: tau of a meter that reports each hour is two hours."""


class Mappings(NamedTuple):
    """What R7 found, and which sides belong together at the named meters."""

    found: pl.DataFrame
    pairs: pl.DataFrame
    """As ``PAIRS``."""


def wrong_mappings(
    ac: pl.DataFrame, dc: pl.DataFrame, explained: pl.Series, settings: FaultSettings = SETTINGS
) -> Mappings:
    """R7: less than 50 % of at least 6 sessions agree with the mapped meter, at least 70 % with another (findings.md).

    That meter's own vehicle must not have been there in them, and the two energies must be plausible together: at a
    depot many charge at the same time. ``ac``, ``dc``: as ``side_of`` gives them. ``explained``: vehicles whose clock
    is off. The named meter's resolution counts.
    """
    free_ac = ac.filter(~pl.col("is_matched"))
    of_dc = dc.filter(pl.col("vehicle_id").is_not_null(), ~pl.col("vehicle_id").is_in(explained.implode()))
    rows, pairs = [], [pl.DataFrame(schema=PAIRS)]
    done: set[int] = set()
    for count in settings.windows:
        back = pl.int_range(pl.len()).reverse().over("vehicle_id")
        window = of_dc.filter(back < count, ~pl.col("vehicle_id").is_in(list(done)))
        counted = (
            window.group_by("vehicle_id")
            .agg(compared=pl.len(), own=pl.col("is_matched").sum())
            .filter(pl.col("compared") >= settings.least_sessions)
        )
        disagrees = pl.col("own") < settings.unmatched_below * pl.col("compared")
        done.update(counted.filter(~disagrees)["vehicle_id"])  # the shortest window decides, as for R8
        suspects = counted.filter(disagrees)
        near = _agreeing(of_dc.join(suspects, on="vehicle_id"), free_ac, settings)
        in_window = near.join(window.select("session_id"), on="session_id", how="semi")
        best = _best(in_window, settings)
        for named in best.partition_by("vehicle_id", maintain_order=True):
            vehicle_id, meter_id = named["vehicle_id"][0], named["meter_id"][0]
            done.add(vehicle_id)
            rows.append(_said(named, of_dc.filter(pl.col("vehicle_id") == vehicle_id)))
            all_sides = near.filter(pl.col("vehicle_id") == vehicle_id, pl.col("meter_id") == meter_id)
            pairs.append(all_sides.select("ac_session_id", dc_session_id="session_id", meter_id="meter_id").cast(PAIRS))
    return Mappings(found_rows(rows), pl.concat(pairs))


def _agreeing(dc: pl.DataFrame, ac: pl.DataFrame, settings: FaultSettings) -> pl.DataFrame:
    """Each DC side with each AC side that begins and ends with it, by whatever meter."""
    bucket = pl.col("start_us") // _BUCKET_US
    ac_named = ac.select(
        "meter_id",
        ac_session_id="session_id",
        ac_start_us="start_us",
        ac_end_us="end_us",
        ac_kwh="kwh",
        ac_resolution_kwh="resolution_kwh",
        ac_interval_s="interval_s",
        bucket=pl.concat_list(bucket - 1, bucket, bucket + 1),
    ).explode("bucket")
    ratio = efficiency_ratio(pl.col("ac_kwh"), pl.col("kwh"))
    apart_us = pl.max_horizontal(
        (pl.col("start_us") - pl.col("ac_start_us")).abs(), (pl.col("end_us") - pl.col("ac_end_us")).abs()
    )
    return (
        dc.rename({"resolution_kwh": "dc_resolution_kwh", "interval_s": "dc_interval_s", "meter_id": "mapped_meter_id"})
        .with_columns(bucket=bucket)
        .join(ac_named, on="bucket")
        .filter(apart_us / 1e6 <= tolerance_s(settings), ratio.is_between(*settings.plausible_ratio))
        .filter(~pl.col("meter_id").eq_missing(pl.col("mapped_meter_id")))
        .unique(["session_id", "meter_id"], keep="first", maintain_order=True)
    )


def _best(near: pl.DataFrame, settings: FaultSettings) -> pl.DataFrame:
    """Of each vehicle the sides that agree with the meter that most of them agree with, if these are enough."""
    counted = near.group_by("vehicle_id", "meter_id").agg(agreeing=pl.len(), compared=pl.col("compared").first())
    best = (
        counted.filter(pl.col("agreeing") >= settings.matched_from * pl.col("compared"))
        .sort("vehicle_id", "agreeing", "meter_id", descending=[False, True, False])
        .unique("vehicle_id", keep="first", maintain_order=True)
    )
    return near.join(best.select("vehicle_id", "meter_id"), on=["vehicle_id", "meter_id"], how="semi").sort(
        "vehicle_id", "start_us"
    )


def _said(named: pl.DataFrame, of_dc: pl.DataFrame) -> dict[str, Any]:
    onset_us, compared = named["start_us"].min(), named["compared"][0]
    before = of_dc.filter("is_matched", pl.col("end_us") < onset_us)["end_us"]
    return fault(
        Rule.MAPPING,
        DeviceKind.VEHICLE,
        named["vehicle_id"][0],
        meter_id=named["mapped_meter_id"].drop_nulls().last(),
        other_meter_id=named["meter_id"][0],
        onset_after=instant_of(before.max()),
        onset_at=instant_of(onset_us),
        last_seen_at=instant_of(named["end_us"].max()),
        observed=named.height / compared,
        allowed=SETTINGS.matched_from,
        unit="of sessions",
        session_count=compared,
        evidence_count=named.height,
        session_ids=named["session_id"].to_list(),
        ac_kwh=named["ac_kwh"].sum(),
        dc_kwh=named["kwh"].sum(),
        detail=f"{named.height} of {compared} sessions begin and end with those of {OTHER_METER}, "
        f"{named['own'][0]} with those of the mapped one",
    )
