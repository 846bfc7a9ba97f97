"""Sites: vehicles and chargers that met one another, directly or by others."""

from collections import defaultdict
from collections.abc import Iterable

import polars as pl

from warehouse.losses.sample import PAIR

Device = tuple[str, object]
"""``vehicle`` or ``meter``, and its id."""


def site_of_pairs(pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs (vehicle_id, meter_id) of the sites on which some vehicle met several chargers, in their order.

    A site is what hangs together: a vehicle belongs to the site of every charger it charged at. Fixed pairs, of which
    nothing can be told apart, are left out. ``site_meter_id``: the smallest meter_id of the site, by which it is known.
    """
    groups = _joined((("vehicle", vehicle), ("meter", meter)) for vehicle, meter in pairs.select(PAIR).iter_rows())
    site = pl.Series([groups[("meter", meter)] for meter in pairs["meter_id"]], dtype=pl.UInt32)
    is_shared = (pl.len().over("vehicle_id") > 1).any().over("site")
    return (
        pairs.select(PAIR)
        .with_columns(site=site)
        .with_columns(is_shared=is_shared, site_meter_id=pl.col("meter_id").min().over("site"))
        .filter("is_shared")
        .select(*PAIR, "site_meter_id")
    )


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
