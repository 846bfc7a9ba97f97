"""Who listens to the fleet, and what each still has to be told: the newest of each thing, however slow it is."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from warehouse.contract.errors import OverloadedError
from warehouse.contract.tables import DeviceKind

MOST_LISTENERS = 200
"""Of one process."""
NOT_SEEN_FOR = timedelta(seconds=10)
"""So long after others that were stored at the same time a reading can be seen: its transaction commits within this."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_BEFORE_ANY = _NEVER + timedelta(days=1)
"""Of a device without a reading: told once."""

Key = tuple[DeviceKind, str]
"""A device: its kind, and its id as it sends it."""


class Changed(NamedTuple):
    """A device's state as JSON, and when its newest reading was stored, if there is one."""

    received_at: datetime | None
    state: str


class Look(NamedTuple):
    """What was seen of the fleet."""

    fleet: str | None = None
    """What all of it does, as JSON; ``None``: nobody knows at the moment."""
    devices: Mapping[Key, Changed] = MappingProxyType({})
    known_until: datetime | None = None
    """When the newest reading was stored that any look has seen: by the database's clock, as a replica knows it."""


class Listener:
    """One stream: which devices it asked for, and what of them and of the fleet it has not taken yet."""

    def __init__(self, devices: Iterable[Key], since: datetime | None) -> None:
        """``since``: what was stored before it is known already; ``None``: nothing is."""
        self.devices = frozenset(devices)
        self.since = since
        self._told: dict[Key, datetime] = {}
        self._pending: dict[Key, str] = {}
        self._look: Look | None = None
        self._is_ready = asyncio.Event()

    def take(self, look: Look) -> None:
        """Note what is new to this one."""
        for key in self.devices & look.devices.keys():
            changed = look.devices[key]
            told = self._told.get(key, self.since or _NEVER)
            stored = changed.received_at or _BEFORE_ANY
            if stored > told:
                self._told[key] = stored
                self._pending[key] = changed.state
        self._look = look
        self._is_ready.set()

    async def news(self) -> tuple[Look, Mapping[Key, str]]:
        """Wait for the next look, and what has changed up to it."""
        await self._is_ready.wait()
        self._is_ready.clear()
        changed, self._pending = self._pending, {}
        if self._look is None:
            raise RuntimeError("nobody is ready before there was a look")
        return self._look, changed


class Listeners:
    """Those of one process."""

    def __init__(self) -> None:
        self._all: set[Listener] = set()
        self.joined = asyncio.Event()
        """Set when one has come."""

    def __len__(self) -> int:
        return len(self._all)

    def require_room(self) -> None:
        """See that one more may come.

        Raises:
            OverloadedError: there are too many.
        """
        if len(self._all) >= MOST_LISTENERS:
            raise OverloadedError(f"{MOST_LISTENERS} streams are open, and more cannot be; try again later")

    def join(self, listener: Listener) -> None:
        """One has come. Raises OverloadedError where there are too many."""
        self.require_room()
        self._all.add(listener)
        self.joined.set()

    def leave(self, listener: Listener) -> None:
        """It is gone."""
        self._all.discard(listener)

    def asked_for(self) -> dict[DeviceKind, set[str]]:
        """The ids of all devices that any of them asked for."""
        found: dict[DeviceKind, set[str]] = {kind: set() for kind in DeviceKind}
        for listener in self._all:
            for kind, external_id in listener.devices:
                found[kind].add(external_id)
        return found

    def tell(self, look: Look) -> None:
        """Let all of them know."""
        for listener in self._all:
            listener.take(look)
