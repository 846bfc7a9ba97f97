"""R8: a clock that is off. Sessions of the two sides agree, with one constant lag."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from warehouse.contract.findings import Rule
from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.matching import PAIRS, disagreeing, tolerance_s
from warehouse.data_faults.rules import fault, found_rows, instant_of
from warehouse.data_faults.settings import SETTINGS, FaultSettings
from warehouse.sessions.schemas import CLOCK_LAGS

Micros = npt.NDArray[np.int64]


class Clocks(NamedTuple):
    """What R8 found, and which sides belong together when the lag is taken off."""

    found: pl.DataFrame
    pairs: pl.DataFrame
    """As ``PAIRS``."""


@dataclass(frozen=True)
class Edges:
    """When sides of sessions begin and end, microseconds, and how far apart the edges of one session may be."""

    ac_start: Micros
    ac_end: Micros
    dc_start: Micros
    dc_end: Micros
    tolerance_us: float

    def agreeing(self, lag_us: int) -> tuple[Micros, Micros]:
        """The places of the AC and DC sides that begin and end together when AC is so much later; each once."""
        apart = np.abs(self.ac_start[:, None] - self.dc_start[None, :] - lag_us)
        ends_apart = np.abs(self.ac_end[:, None] - self.dc_end[None, :] - lag_us)
        ac, dc = np.nonzero((apart <= self.tolerance_us) & (ends_apart <= self.tolerance_us))
        _, first = np.unique(ac, return_index=True)
        ac, dc = ac[first], dc[first]
        _, first = np.unique(dc, return_index=True)
        return ac[first], dc[first]

    def constant_lag(self, longest_us: int) -> int | None:
        """The lag with which most sessions of the two sides begin and end together (findings.md, R8), microseconds.

        Every difference of two starts within ``longest_us`` is tried; the lag is the median of starts and ends of the
        sides that agree with the best. ``None``: no two sides agree with any.
        """
        apart = (self.ac_start[:, None] - self.dc_start[None, :]).ravel()
        tried = [(len(self.agreeing(int(lag))[0]), int(lag)) for lag in apart[np.abs(apart) <= longest_us]]
        count, lag_us = max(tried, key=lambda each: each[0], default=(0, 0))
        if not count:
            return None
        ac, dc = self.agreeing(lag_us)
        lags = np.concatenate([self.ac_start[ac] - self.dc_start[dc], self.ac_end[ac] - self.dc_end[dc]])
        return int(np.median(lags))


def clocks_off(ac: pl.DataFrame, dc: pl.DataFrame, settings: FaultSettings = SETTINGS) -> Clocks:
    """R8: less than 50 % of at least 6 sessions agree, and at least 70 % with one constant lag above 10 min.

    ``ac``, ``dc``: as ``side_of`` gives them. Which of the two clocks is wrong cannot be told.
    """
    suspects = disagreeing(ac, dc, settings).implode()
    ac_by, dc_by = (
        side.filter(pl.col("vehicle_id").is_in(suspects)).partition_by("vehicle_id", as_dict=True) for side in (ac, dc)
    )
    rows, pairs = [], [pl.DataFrame(schema=PAIRS)]
    for (vehicle_id,), of_dc in dc_by.items():
        of_ac = ac_by[(vehicle_id,)]
        for count in settings.windows:
            ac_sides, dc_sides = _seen_together(of_ac.tail(count), of_dc.tail(count), settings)
            compared = min(ac_sides.height, dc_sides.height)
            if compared < settings.least_sessions:
                continue
            edges = edges_of(ac_sides, dc_sides, settings)
            lag_us = edges.constant_lag(settings.longest_lag_s * 1_000_000)
            if lag_us is None or abs(lag_us) <= settings.least_lag_s * 1_000_000:
                continue
            ac_places, dc_places = edges.agreeing(lag_us)
            if len(ac_places) >= settings.matched_from * compared:
                evidence = ac_sides[ac_places.tolist()], dc_sides[dc_places.tolist()]
                rows.append(_said(*evidence, of_dc, lag_us, compared))
                pairs.append(pairs_with_lag(of_ac, of_dc, lag_us, settings))
                break
    return Clocks(found_rows(rows), pl.concat(pairs))


def clock_lags(data_faults: pl.DataFrame) -> pl.DataFrame:
    """``CLOCK_LAGS``: the lags that R8 knows at the end of a day, of its ``data_faults``.

    A vehicle's lag is taken off wherever it charges: whether its own clock or a meter's is wrong cannot be told.
    """
    is_off = (pl.col("rule") == Rule.CLOCK.value) & (pl.col("state") != "closed")
    lag_s = pl.col("observed").round().alias("clock_lag_s")
    return data_faults.filter(is_off).select("vehicle_id", lag_s).cast(CLOCK_LAGS)


def pairs_apart(
    ac: pl.DataFrame, dc: pl.DataFrame, lagged: pl.Series, settings: FaultSettings = SETTINGS
) -> pl.DataFrame:
    """Sides that agree though they are of two sessions (``PAIRS``): a lag was taken off that is not there any more.

    ``ac``, ``dc``: as ``side_of`` gives them. ``lagged``: the sessions that a lag was taken off of.
    """
    of_dc = dc.filter(pl.col("session_id").is_in(lagged.implode()))
    vehicles = of_dc["vehicle_id"].unique(maintain_order=True)
    pairs = [
        pairs_with_lag(ac.filter(pl.col("vehicle_id") == each), of_dc.filter(pl.col("vehicle_id") == each), 0, settings)
        for each in vehicles
    ]
    return pl.concat([pl.DataFrame(schema=PAIRS), *pairs])


def _seen_together(ac: pl.DataFrame, dc: pl.DataFrame, settings: FaultSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both sides from when on both are known, with a margin for the lag."""
    since_us = max(int(side["start_us"][0]) for side in (ac, dc)) - settings.longest_lag_s * 1_000_000
    return ac.filter(pl.col("start_us") >= since_us), dc.filter(pl.col("start_us") >= since_us)


def edges_of(ac: pl.DataFrame, dc: pl.DataFrame, settings: FaultSettings = SETTINGS) -> Edges:
    """The edges of sides, as ``side_of`` gives them; the coarsest of them decides what is near."""
    tolerance = pl.concat([ac, dc]).select(
        ac_interval_s=pl.col("interval_s").max(),
        dc_interval_s=pl.col("interval_s").max(),
        ac_resolution_kwh=pl.lit(ac["resolution_kwh"].max()),
        dc_resolution_kwh=pl.lit(dc["resolution_kwh"].max()),
    )
    starts, ends = ([side[edge].to_numpy() for side in (ac, dc)] for edge in ("start_us", "end_us"))
    tolerance_us = tolerance.select(tolerance_s(settings)).item() * 1e6
    return Edges(starts[0], ends[0], starts[1], ends[1], tolerance_us)


def pairs_with_lag(ac: pl.DataFrame, dc: pl.DataFrame, lag_us: int, settings: FaultSettings = SETTINGS) -> pl.DataFrame:
    """All sides that agree with the lag, and not without it (``PAIRS``): what sessions are with the clock set right."""
    ac, dc = (side.filter(~pl.col("is_matched")) for side in (ac, dc))
    if ac.is_empty() or dc.is_empty():
        return pl.DataFrame(schema=PAIRS)
    places = edges_of(ac, dc, settings).agreeing(lag_us)
    ac, dc = (side[each.tolist()] for side, each in zip((ac, dc), places, strict=True))
    return pl.DataFrame(
        {"ac_session_id": ac["session_id"], "dc_session_id": dc["session_id"], "meter_id": ac["meter_id"]}
    ).cast(PAIRS)


def _said(ac: pl.DataFrame, dc: pl.DataFrame, of_dc: pl.DataFrame, lag_us: int, compared: int) -> dict[str, Any]:
    lag_s = lag_us / 1e6
    onset_us = int(dc["start_us"].min())  # type: ignore[arg-type]
    before = of_dc.filter("is_matched", pl.col("end_us") < onset_us)["end_us"]
    return fault(
        Rule.CLOCK,
        DeviceKind.VEHICLE,
        dc["vehicle_id"][0],
        meter_id=ac["meter_id"][-1],
        onset_after=instant_of(before.max()),
        onset_at=instant_of(onset_us),
        last_seen_at=instant_of(dc["end_us"].max()),
        observed=lag_s,
        allowed=float(SETTINGS.least_lag_s),
        unit="s",
        session_count=compared,
        evidence_count=dc.height,
        session_ids=dc["session_id"].to_list(),
        ac_kwh=ac["kwh"].sum(),
        dc_kwh=dc["kwh"].sum(),
        detail=f"the vehicle's clock is {abs(lag_s):.0f} s {'behind' if lag_s > 0 else 'ahead of'} the meter's: "
        f"{dc.height} of {compared} sessions agree with that",
    )
