"""Tells an API what is known of a fleet before its first reading: who charges where, and the settings of devices."""

import asyncio
from collections.abc import AsyncIterator

from warehouse.contract.tables import DeviceKind
from warehouse.counted import counted
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.ingest_client import IngestClient
from warehouse.simulation.progress import Watcher

MAPPINGS_AT_ONCE = 1_000


async def provision(fleet: Fleet, client: IngestClient, watcher: Watcher, at_once: int) -> None:
    """Map every vehicle to its meter, and give the devices their settings, so many at a time. Repeating it is safe.

    Raises:
        RefusedError: the API refuses it, and would refuse it again.
        GivenUpError: the caller has left before there was an answer.
    """
    mappings = fleet.mappings()
    for begin in range(0, len(mappings), MAPPINGS_AT_ONCE):
        await client.post_mappings(mappings[begin : begin + MAPPINGS_AT_ONCE])
    watcher.note(counted(len(mappings), "vehicle is mapped to its meter", "vehicles are mapped to their meters"))
    to_change = [change async for change in _changes(fleet, client)]
    for begin in range(0, len(to_change), at_once):
        some = (client.patch_settings(*change) for change in to_change[begin : begin + at_once])
        for failure in filter(None, await asyncio.gather(*some, return_exceptions=True)):
            raise failure
    if to_change:
        watcher.note(counted(len(to_change), "device has its settings", "devices have their settings"))


async def _changes(fleet: Fleet, client: IngestClient) -> AsyncIterator[tuple[str, dict[str, str | float]]]:
    """The path and settings of each device that the API knows with others: what changes nothing restates nothing."""
    for kind in DeviceKind:
        path, field = f"/v1/{kind.devices}", f"{kind}Id"
        known = await client.list_settings(path, field)
        for device in fleet.devices():
            if field in device:
                settings = {key: value for key, value in device.items() if key != field}
                if not settings.items() <= known.get(str(device[field]), {}).items():
                    yield f"{path}/{device[field]}", settings
