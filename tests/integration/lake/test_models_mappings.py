"""Mappings that change at any minute: what the models count is what a look at each minute of the day counts."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest

from tests.integration.lake.hand_made_lake import ALWAYS, HandMadeLake, at

NUMBERS = (1, 2, 3)
MIDNIGHT = at("00:00")
MINUTES = [MIDNIGHT + timedelta(minutes=minute) for minute in range(1440)]


class Mapping(NamedTuple):
    """A vehicle on a meter for a while."""

    vehicle: int
    meter: int
    since: datetime
    until: datetime | None

    def holds(self, ts: datetime) -> bool:
        """Whether it holds at this moment."""
        return self.since <= ts and (self.until is None or ts < self.until)


class Step(NamedTuple):
    """Energy that a device booked at a moment."""

    kind: str
    number: int
    ts: datetime
    kwh: float


def random_mappings(chance: random.Random) -> Iterator[Mapping]:
    """Each vehicle moves from meter to meter, at times with a pause, at times onto another vehicle's meter."""
    for vehicle in NUMBERS:
        since = chance.choice([ALWAYS, MIDNIGHT + timedelta(minutes=chance.randrange(600))])
        while since < MIDNIGHT + timedelta(days=1):
            until = max(since, MIDNIGHT) + timedelta(minutes=chance.randrange(15, 700, 5))
            is_last = chance.random() < 0.15
            yield Mapping(vehicle, chance.choice(NUMBERS), since, None if is_last else until)
            if is_last:
                break
            since = until + timedelta(minutes=chance.choice([0, 0, 0, 30, 200]))


def random_steps(chance: random.Random) -> list[Step]:
    """Each device books a few whole kWh every five minutes or so."""
    return [
        Step(kind, number, ts, float(chance.randrange(1, 9)))
        for kind in ("meter", "vehicle")
        for number in NUMBERS
        for ts in MINUTES[::5]
        if chance.random() < 0.7
    ]


def add_energy(lake: HandMadeLake, steps: list[Step], mappings: list[Mapping]) -> None:
    """Sum the steps as the energy rule's step does: by hour, parted where a mapping of the device changes."""
    sums: dict[tuple[str, int, datetime, datetime], list[float]] = defaultdict(list)
    for step in steps:
        own = [each for each in mappings if step.number == (each.meter if step.kind == "meter" else each.vehicle)]
        edges = [edge for each in own for edge in (each.since, each.until) if edge and edge <= step.ts]
        sums[step.kind, step.number, step.ts.replace(minute=0), max([ALWAYS, *edges])].append(step.kwh)
    for (kind, number, hour, segment_from), kwhs in sums.items():
        values = {"hour": hour, "segment_from": segment_from, "energy_kwh": sum(kwhs), "reading_count": len(kwhs)}
        lake.add("hourly_energy", kind=kind, device_id=number, **values)


class RandomDay(NamedTuple):
    """Mappings and steps, and the lake that is built from them."""

    mappings: list[Mapping]
    steps: list[Step]
    lake: HandMadeLake


@pytest.fixture(scope="module", params=range(6))
def random_day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RandomDay:
    """The same each time, by its seed."""
    chance = random.Random(request.param)  # noqa: S311 - the same mappings each time
    mappings, steps = list(random_mappings(chance)), random_steps(chance)
    lake = HandMadeLake(tmp_path_factory.mktemp("random_day") / "lake")
    for number in NUMBERS:
        lake.device("meter", number)
        lake.device("vehicle", number)
    for mapping in mappings:
        lake.map(*mapping)
    add_energy(lake, steps, mappings)
    lake.write()
    lake.build_up_to("daily_fleet_efficiency", "daily_meter_efficiency")
    return RandomDay(mappings, steps, lake)


def test_hours_count_what_each_minute_counts(random_day: RandomDay) -> None:
    mappings, steps, lake = random_day
    mapped_s: dict[tuple[int, datetime], float] = defaultdict(float)
    shared: set[tuple[int, datetime]] = set()
    for ts in MINUTES:
        for mapping in (each for each in mappings if each.holds(ts)):
            hour = (mapping.vehicle, ts.replace(minute=0))
            mapped_s[hour] += 60.0
            if any(each.meter == mapping.meter and each != mapping and each.holds(ts) for each in mappings):
                shared.add(hour)
    sums: dict[tuple[str, int, datetime], float] = defaultdict(float)
    unmapped = {"meter": 0.0, "vehicle": 0.0}
    for step in steps:
        place = 1 if step.kind == "meter" else 0
        holding = [each for each in mappings if each[place] == step.number and each.holds(step.ts)]
        for mapping in holding:
            sums[step.kind, mapping.vehicle, step.ts.replace(minute=0)] += step.kwh
        unmapped[step.kind] += 0 if holding else step.kwh

    found = {(row["vehicle_id"], row["hour"]): row for row in lake.rows("hourly_vehicle_efficiency")}
    assert {hour: row["mapped_s"] for hour, row in found.items()} == mapped_s
    assert {hour for hour, row in found.items() if row["is_shared"]} == shared
    for column, kind in (("ac_kwh", "meter"), ("dc_kwh", "vehicle")):
        assert {hour: row[column] for hour, row in found.items()} == {hour: sums.get((kind, *hour)) for hour in found}
    fleet = lake.row("daily_fleet_efficiency")
    assert (fleet["unmapped_ac_kwh"], fleet["unmapped_dc_kwh"]) == (unmapped["meter"], unmapped["vehicle"])


def test_meters_count_what_each_minute_counts(random_day: RandomDay) -> None:
    mappings, steps, lake = random_day
    meters = {row["meter_id"]: row for row in lake.rows("daily_meter_efficiency")}
    holding_at = {ts: [each for each in mappings if each.holds(ts)] for ts in MINUTES}
    mapped = {number: [ts for ts in MINUTES if number in {each.meter for each in holding_at[ts]}] for number in NUMBERS}
    assert {number: row["mapped_hours"] for number, row in meters.items()} == pytest.approx(
        {number: len(minutes) / 60 for number, minutes in mapped.items() if minutes}
    )
    metered: dict[int, float] = defaultdict(float)
    delivered: dict[int, float] = defaultdict(float)
    for step in steps:
        if step.kind == "meter":
            metered[step.number] += step.kwh if any(each.meter == step.number for each in holding_at[step.ts]) else 0
        else:
            for each in holding_at[step.ts]:
                delivered[each.meter] += step.kwh if each.vehicle == step.number else 0
    assert {number: (row["ac_kwh"] or 0, row["dc_kwh"] or 0) for number, row in meters.items()} == {
        number: (metered[number], delivered[number]) for number in meters
    }
    assert {number for number, row in meters.items() if row["is_shared"]} == {
        number for number in NUMBERS if any(sum(each.meter == number for each in holding_at[ts]) > 1 for ts in MINUTES)
    }
