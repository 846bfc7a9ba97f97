"""Which chargers and vehicles a fleet has: pairs, and depots where vehicles meet several chargers.

Fourteen vehicles at a time are either fourteen pairs or one depot with ten chargers. So a larger fleet begins with the
vehicles of a smaller one, block by block.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.simulation.draws import Bools, Ints

BLOCK = 14
DEPOT_CHARGERS = 10


@dataclass(frozen=True, slots=True)
class Layout:
    """Numbers count from 0. A site is called by the number of its first vehicle."""

    vehicle_site: Ints
    home_charger: Ints
    """Of each vehicle."""
    charger_site: Ints
    depot_sites: Ints

    @property
    def vehicles(self) -> int:
        """How many."""
        return len(self.vehicle_site)

    @property
    def chargers(self) -> int:
        """How many."""
        return len(self.charger_site)

    @property
    def in_depot(self) -> Bools:
        """Whether a vehicle belongs to a depot."""
        return np.isin(self.vehicle_site, self.depot_sites)

    def depot_vehicles(self) -> Ints:
        """The vehicles of each depot, a row a depot."""
        return self.depot_sites[:, None] + np.arange(BLOCK, dtype=np.int64)

    def depot_chargers(self) -> Ints:
        """The chargers of each depot, a row a depot."""
        first = self.home_charger[self.depot_sites]
        return first[:, None] + np.arange(DEPOT_CHARGERS, dtype=np.int64)

    @property
    def vehicle_ids(self) -> list[str]:
        """``veh-00001`` and on."""
        return [f"veh-{number + 1:05d}" for number in range(self.vehicles)]

    @property
    def meter_ids(self) -> list[str]:
        """``meter-00001`` and on, one a charger. In a fleet of pairs those of vehicle and meter have one number."""
        return [f"meter-{number + 1:05d}" for number in range(self.chargers)]


def lay_out(vehicles: int, depot_share: float) -> Layout:
    """``vehicles`` vehicles, of whose whole blocks ``depot_share`` are depots; what is left over are pairs."""
    site: list[int] = []
    home: list[int] = []
    charger_site: list[int] = []
    depots: list[int] = []
    for begin in range(0, vehicles, BLOCK):
        count = min(BLOCK, vehicles - begin)
        block = begin // BLOCK
        is_depot = count == BLOCK and int((block + 1) * depot_share) > int(block * depot_share)
        first_charger = len(charger_site)
        if is_depot:
            depots.append(begin)
            site += [begin] * BLOCK
            home += [first_charger + place % DEPOT_CHARGERS for place in range(BLOCK)]
            charger_site += [begin] * DEPOT_CHARGERS
        else:
            site += range(begin, begin + count)
            home += range(first_charger, first_charger + count)
            charger_site += range(begin, begin + count)
    return Layout(*(np.array(each, dtype=np.int64) for each in (site, home, charger_site, depots)))
