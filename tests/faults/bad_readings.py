"""Readings that are wrong in every way that hypothesis comes up with, as JSON or something near to it."""

import json
import warnings
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.factories import meter_payload, vehicle_payload

_BASES = (meter_payload, vehicle_payload)
_NAMES = sorted({*meter_payload(), *vehicle_payload(), "type", "MeterId", "meterId ", ""})
_NUMBERS = st.one_of(
    st.integers(),
    st.floats(),  # with NaN and infinities
    st.sampled_from([0, -0.0, -1, 100, 100.0000001, 1e9, 1e9 + 1, 1e308, -1e308, 5e-324, 10**400, True, False]),
)
_TEXTS = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=()), max_size=80),  # with lone surrogates
    st.sampled_from(["", "meter", "vehicle", "a" * 64, "a" * 65, "\x00", "\ud800", "é", "../../etc", "'; --", "1"]),
)
_INSTANTS = st.one_of(
    st.datetimes().map(datetime.isoformat),
    st.builds(
        "{}-{}-{}T{}:{}:{}{}".format,
        *[st.integers(-1, 10_000)] * 6,
        st.sampled_from(["", "Z", "+00:00", "-24:00"]),
    ),
    st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-02-30T00:00:00Z"]),
)
_SCALARS = st.one_of(st.none(), _NUMBERS, _TEXTS, _INSTANTS)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_NAMES) | _TEXTS, inner, max_size=4),
    max_leaves=8,
)


@st.composite
def _near_readings(draw: st.DrawFn) -> dict[str, Any]:
    """A good reading with some of its fields replaced, added or left out."""
    reading: dict[str, Any] = draw(st.sampled_from(_BASES))()
    for name in draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3)):
        if draw(st.integers(0, 3)):
            reading[name] = draw(_VALUES)
        else:
            reading.pop(name, None)
    return reading


def bad_readings(count: int, seed_of_all: int) -> list[bytes]:
    """At least so many texts, each different; not all of them are JSON, and some may be good readings by chance."""
    found: set[bytes] = set()
    while len(found) < count:
        found |= _some(1 + count // 25, seed_of_all)
        seed_of_all += 1
    return sorted(found)


def _some(examples: int, seed_of_all: int) -> set[bytes]:
    found = set()

    # Each example makes fifty: most of what an example costs is the same for one value and for many.
    @seed(seed_of_all)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.one_of(_near_readings(), _VALUES), min_size=50, max_size=50), st.booleans())
    def make(values: list[Any], ascii_only: bool) -> None:
        for value in values:
            found.add(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that large examples are slow is known
        make()
    return found
