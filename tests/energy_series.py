"""Series of register samples for tests of the energy rule: the vectors of the fixture file, and random dirty ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from warehouse.contract.energy import DeviceSettings, Sample

_FIXTURE = Path(__file__).parent / "fixtures" / "energy_vectors.json"


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
    """All vectors of the fixture file."""
    return [_vector(each) for each in json.loads(_FIXTURE.read_text(encoding="utf-8"))["vectors"]]


def _vector(each: dict[str, Any]) -> Vector:
    return Vector(
        name=each["id"],
        samples=[(offset, kwh) for offset, kwh in each["samples"]],
        settings=DeviceSettings(max_power_kw=each["max_power_kw"], rollover_kwh=each["rollover_kwh"]),
        expected_kwh=each["expected_kwh"],
        expected_flags=sorted((offset, flag) for offset, flag in each["expected_flags"]),
        source=each["source"],
    )


_DIRT = st.sampled_from(["grow", "grow", "grow", "grow", "flat", "dip", "zero", "spike", "replace", "rollover"])


@st.composite
def dirty_series(draw: st.DrawFn, midnight: datetime | None = None) -> tuple[list[Sample], DeviceSettings]:
    """A register's life: growth with dips, resets, spikes, replacements, rollovers and gaps, across midnight."""
    settings = DeviceSettings(
        max_power_kw=draw(st.sampled_from([None, 22.0, 400.0])),
        rollover_kwh=draw(st.sampled_from([None, 1000.0, 100_000.0])),
        expected_interval_s=draw(st.sampled_from([10, 60, 300])),
    )
    ts = (midnight or datetime(2026, 2, 8, tzinfo=UTC)) + timedelta(hours=draw(st.integers(0, 23)))
    kwh = draw(st.sampled_from([0.0, 0.5, 12.0, 999.5, 12_000.0, 99_999.5]))
    samples = []
    for _ in range(draw(st.integers(0, 40))):
        samples.append(Sample(ts, round(kwh, 3)))
        ts += timedelta(seconds=draw(st.sampled_from([1, 30, 60, 60, 60, 299, 900, 901, 7200, 40_000])))
        kwh = _next_kwh(draw, kwh)
    return samples, settings


def _next_kwh(draw: st.DrawFn, kwh: float) -> float:
    size = draw(st.sampled_from([0.001, 0.1, 0.36, 2.0, 30.0]))
    match draw(_DIRT):
        case "flat":
            return kwh
        case "dip":
            return max(0.0, kwh - size)
        case "zero":
            return 0.0 if draw(st.booleans()) else size
        case "spike":
            return kwh * 10 + 5000
        case "replace":
            return draw(st.sampled_from([50.0, 9_000.0, 50_000.0]))
        case "rollover":
            return size if kwh > 900 else 999.9
        case _:
            return kwh + size
