"""Corrections of a series of samples, drawn at random: of single readings and of ranges, one after the other."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import strategies as st

from tests.energy_series import dirty_series
from warehouse.contract.corrections import INSTANT, Action, Correction
from warehouse.contract.energy import DeviceSettings, Sample

CorrectedSeries = tuple[list[Sample], DeviceSettings, list[Correction]]


@st.composite
def corrected_series(draw: st.DrawFn, midnight: datetime | None = None) -> CorrectedSeries:
    """A register's life, and what people said of it afterwards."""
    samples, settings = draw(dirty_series(midnight))
    return samples, settings, draw(corrections(samples))


@st.composite
def corrections(draw: st.DrawFn, samples: Sequence[Sample]) -> list[Correction]:
    """Up to five of these samples, which often overlap: of one, of some in a row, or from between two of them."""
    return [_correction(draw, samples) for _ in range(draw(st.integers(0, 5) if samples else st.just(0)))]


def _correction(draw: st.DrawFn, samples: Sequence[Sample]) -> Correction:
    first = draw(st.sampled_from(samples))
    action = draw(st.sampled_from([Action.VOID, Action.VOID, Action.REPLACE, Action.RESTORE]))
    length = draw(st.sampled_from([INSTANT, INSTANT, timedelta(minutes=10), timedelta(hours=6), timedelta(days=2)]))
    shift = draw(st.sampled_from([timedelta(0), timedelta(0), INSTANT, timedelta(seconds=-30)]))
    kwh = draw(st.sampled_from([first.kwh, first.kwh + 0.2, 0.0, 500.0])) if action is Action.REPLACE else None
    return Correction(first.ts + shift, first.ts + shift + length, action, kwh)
