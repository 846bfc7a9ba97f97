"""Series of register samples for tests of the energy rule: the vectors of the fixture file, and random dirty ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from warehouse.contract.energy import DeviceSettings, Sample

_FIXTURE = Path(__file__).parent / "fixtures" / "energy_vectors.json"
CONTRACT = Path(__file__).parents[2] / "shared" / "contract" / "energy_vectors.json"
"""The contract's own vectors, where they lie beside the project."""


class Vector(NamedTuple):
    """A series with a known answer, and where the answer comes from. Offsets in seconds from midnight UTC."""

    name: str
    samples: list[tuple[int, float]]
    settings: DeviceSettings
    expected_kwh: float
    expected_flags: list[tuple[int, str]]
    source: str

    def at(self, midnight: datetime) -> list[Sample]:
        """The samples on a day."""
        return [Sample(midnight + timedelta(seconds=offset), float(kwh)) for offset, kwh in self.samples]


def vectors() -> list[Vector]:
    """The project's vectors: the contract's, and the edges of each comparison of the rule."""
    return read_vectors(_FIXTURE)


def read_vectors(path: Path) -> list[Vector]:
    """All vectors of a file."""
    return [_vector(each) for each in json.loads(path.read_text(encoding="utf-8"))["vectors"]]


def _vector(each: dict[str, Any]) -> Vector:
    return Vector(
        name=each["id"],
        samples=[(offset, kwh) for offset, kwh in each["samples"]],
        settings=DeviceSettings(
            max_power_kw=each["max_power_kw"],
            rollover_kwh=each["rollover_kwh"],
            max_reset_kwh=each["max_reset_kwh"],
        ),
        expected_kwh=each["expected_kwh"],
        expected_flags=sorted((offset, flag) for offset, flag in each["expected_flags"]),
        source=each["source"],
    )


_DIRT = st.sampled_from(["grow", "grow", "grow", "grow", "flat", "dip", "zero", "spike", "replace", "rollover", "run"])
_PAUSES_S = st.sampled_from([1, 30, 60, 60, 60, 299, 900, 901, 7200, 40_000])
_DAY_S = 86_400


@st.composite
def dirty_series(draw: st.DrawFn, midnight: datetime | None = None) -> tuple[list[Sample], DeviceSettings]:
    """A register's life: growth with dips, resets, spikes, runs of equal rows, replacements, rollovers and gaps.

    It crosses midnight, and now and then its next samples lie right around one. It may show more than its declared end.
    """
    settings = DeviceSettings(
        max_power_kw=draw(st.sampled_from([None, 22.0, 22.0, 400.0])),
        rollover_kwh=draw(st.sampled_from([None, 1000.0, 1000.0, 100_000.0, 10.0, 1e-9])),
        expected_interval_s=draw(st.sampled_from([10, 60, 300])),
        max_reset_kwh=draw(st.sampled_from([150.0, 150.0, None, 1.0, 1e-9])),
    )
    first_midnight = midnight or datetime(2026, 2, 8, tzinfo=UTC)
    at_s = 3600 * draw(st.integers(0, 23))
    kwh = draw(st.sampled_from([0.0, 0.5, 12.0, 999.5, 12_000.0, 99_999.5]))
    samples: list[Sample] = []
    for _ in range(draw(st.integers(0, 40))):
        dirt = draw(_DIRT) if samples else "grow"
        shown, repeats = _shown_kwh(draw, kwh, dirt)
        for _ in range(repeats):
            samples.append(Sample(first_midnight + timedelta(seconds=at_s), round(shown, 3)))
            at_s += draw(_PAUSES_S)
            if draw(st.integers(0, 9)) == 0:
                at_s = (at_s + 60) // _DAY_S * _DAY_S + _DAY_S - draw(st.sampled_from([0, 1, 60]))
        if dirt != "run":
            kwh = shown
        elif draw(st.booleans()):
            kwh += 0.1
    return samples, settings


def _shown_kwh(draw: st.DrawFn, kwh: float, dirt: str) -> tuple[float, int]:
    """What the register shows next, and in how many samples. A run is corrupt: it goes on from where it was before."""
    size = draw(st.sampled_from([0.001, 0.1, 0.36, 2.0, 30.0]))
    match dirt:
        case "flat":
            return kwh, 1
        case "dip":
            return max(0.0, kwh - size), 1
        case "zero":
            return (0.0 if draw(st.booleans()) else size), 1
        case "spike":
            return kwh * 10 + 5000, 1
        case "replace":
            return draw(st.sampled_from([50.0, 149.0, 151.0, 9_000.0, 50_000.0])), 1
        case "rollover":
            return (size if kwh > 900 else draw(st.sampled_from([999.9, 1000.0, 1003.0]))), 1
        case "run":
            return draw(st.sampled_from([0.0, 0.0, kwh * 0.5, kwh + 2.0, kwh + 900.0])), draw(st.integers(1, 4))
        case _:
            return kwh + size, 1
