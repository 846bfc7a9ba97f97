"""Sites: vehicles and chargers that met one another, directly or by others."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import polars as pl

Device = tuple[str, object]
"""``vehicle`` or ``meter``, and its id."""


def sites(sample: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of each site on which some vehicle met several chargers; rows keep their order.

    A site is what hangs together: a vehicle belongs to the site of every charger it charged at. Fixed pairs, of which
    nothing can be told apart, are left out.
    """
    pairs = sample.select("vehicle_id", "meter_id").unique(maintain_order=True)
    groups = _joined((("vehicle", vehicle), ("meter", meter)) for vehicle, meter in pairs.iter_rows())
    site = [groups[("meter", meter)] for meter in pairs["meter_id"]]
    named = sample.join(
        pairs.with_columns(site=pl.Series(site, dtype=pl.UInt32)), on=["vehicle_id", "meter_id"], maintain_order="left"
    )
    shared = pairs.filter(pl.len().over("vehicle_id") > 1)["vehicle_id"]
    found = named.filter(pl.col("vehicle_id").is_in(shared.implode()))["site"].unique().sort()
    for number in found:
        yield named.filter(pl.col("site") == number).drop("site")


def _joined(edges: Iterable[tuple[Device, Device]]) -> dict[Device, int]:
    """The number of the component of each device."""
    neighbours: dict[Device, list[Device]] = defaultdict(list)
    for one, other in edges:
        neighbours[one].append(other)
        neighbours[other].append(one)
    component: dict[Device, int] = {}
    for number, first in enumerate(neighbours):
        waiting = [] if first in component else [first]
        while waiting:
            device = waiting.pop()
            if device not in component:
                component[device] = number
                waiting += neighbours[device]
    return component
