"""Whether both sides of a window speak of the same time, and over which span they can be compared where they do not.

A meter that reports each hour beside a vehicle that reports each minute begins and ends elsewhere: MAX - MIN of both
would compare 23 hours with 24.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ingest_api.analytics.encoded_readings import decoded, instant, microseconds, within
from ingest_api.analytics.window_growth import EncodedReadings, Segment
from warehouse.contract.efficiency import COMPARABLE_COVERAGE, Extent, is_long_enough, is_mismatched

_TICK = timedelta(microseconds=1)


class Span(NamedTuple):
    """From a reading to a reading, both included."""

    first: datetime
    last: datetime


class Mismatch(NamedTuple):
    """The sides begin or end apart."""

    span: Span | None
    """Over which they are compared; ``None``: over the window, as they are."""
    is_comparable: bool
    """Whether the ratio may accuse anybody."""


def find_mismatch(segments: Sequence[Segment], encoded: EncodedReadings, coverages: Sequence[float]) -> Mismatch | None:
    """How far the sides are apart; ``None`` where they are not. ``coverages`` are the window's, of AC and DC."""
    ac, dc = (_extent([segment for segment in segments if segment.side == side], encoded) for side in ("ac", "dc"))
    if ac is None or dc is None or not is_mismatched(ac, dc):
        return None
    if min(coverages) < COMPARABLE_COVERAGE:
        return Mismatch(None, is_comparable=True)
    span = _common_span(*(_instants(side, segments, encoded) for side in ("ac", "dc")))
    if span is None or not is_long_enough(span.last - span.first, ac, dc):
        return Mismatch(None, is_comparable=False)
    return Mismatch(span, is_comparable=True)


def narrowed(
    segments: Sequence[Segment], encoded: EncodedReadings, span: Span
) -> tuple[list[Segment], dict[tuple[str, int], bytes | None]]:
    """The segments and readings of the span. Its first reading is where a register begins and books nothing."""
    inside = [
        segment._replace(
            counts_from=max(segment.counts_from, span.first + _TICK),
            counts_to=min(segment.counts_to, span.last + _TICK),
        )
        for segment in segments
    ]
    kept = {device: within(readings, *span) if readings else None for device, readings in encoded.items()}
    return [segment for segment in inside if segment.counts_from < segment.counts_to], kept


def _extent(segments: Sequence[Segment], encoded: EncodedReadings) -> Extent | None:
    """Of one side; ``None`` where nothing of it counts."""
    read = [(segment, us) for segment in segments if (us := _counted(segment, encoded)).size]
    if not read:
        return None
    return Extent(
        first=instant(min(us[0] for _, us in read)),
        last=instant(max(us[-1] for _, us in read)),
        expected_interval_s=min(segment.settings.expected_interval_s for segment, _ in read),
    )


def _counted(segment: Segment, encoded: EncodedReadings) -> npt.NDArray[np.int64]:
    """When the device was read: the readings that count, and the one before them, where their first step begins."""
    readings = encoded[segment.side, segment.device_id]
    us: npt.NDArray[np.int64] = decoded(readings or b"")["us"]
    counts_from, counts_to = microseconds(segment.counts_from), microseconds(segment.counts_to)
    if us.size and counts_from <= us[0] and us[-1] < counts_to:  # nearly always: nothing is copied
        return us
    first, end = us.searchsorted([counts_from, counts_to])
    return us[max(first - 1, 0) : end] if first < end else us[:0]


def _instants(side: str, segments: Sequence[Segment], encoded: EncodedReadings) -> npt.NDArray[np.int64]:
    """When the side was read, in order."""
    return np.unique(np.concatenate([_counted(each, encoded) for each in segments if each.side == side]))


def _common_span(ac: npt.NDArray[np.int64], dc: npt.NDArray[np.int64]) -> Span | None:
    """The side with fewer readings keeps those within the other's, and the other one keeps its own within those."""
    fewer, more = (ac, dc) if ac.size <= dc.size else (dc, ac)
    first, end = fewer.searchsorted([more[0], more[-1] + 1])
    kept = fewer[first:end]
    if kept.size < 2 or np.count_nonzero((more >= kept[0]) & (more <= kept[-1])) < 2:
        return None
    return Span(instant(kept[0]), instant(kept[-1]))
