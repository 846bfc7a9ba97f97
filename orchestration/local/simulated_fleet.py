"""The simulated fleet of a one-machine start: the process that sends it, how far it has come, whom to ask about."""

import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.processes.child_environment import of_a_client
from orchestration.processes.child_process import Child
from warehouse.simulation.demo import demo_fleet
from warehouse.simulation.faults import CLOCKS, SILENCES

FILLED_WITHIN_S = 120
"""How long the fleet may take to fill the past in; then it goes on, and we say so."""
FRESH_S = 180
"""A fleet whose last reading is younger than this is up to date: it reports each minute."""
TELL_EVERY_S = 5.0
LATEST_ASKED = 3
"""Vehicles: one of them may be cut off."""
MOST_ASKED = 50

Ask = Callable[[str], dict[str, Any] | None]
"""The API's answer to a GET; None where it gives none, or not the one that was hoped for."""


class SimulatedFleet:
    """``vehicles`` vehicles that report live, and have since midnight; older days are ``FleetHistory``'s."""

    def __init__(self, vehicles: int, ask: Ask, say: Callable[[str], None]) -> None:
        fleet = demo_fleet(vehicles)
        silent = {fault.device_id for fault in fleet.faults(datetime.now(UTC)) if fault.kind in SILENCES | CLOCKS}
        self._vehicle_ids = fleet.vehicle_ids
        self._asked = [each for each in reversed(fleet.vehicle_ids) if each not in silent][:LATEST_ASKED]
        self._since = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._ask = ask
        self._say = say
        self._told_at = float("-inf")

    def child(self, url: str, log: Path, environment: Mapping[str, str]) -> Child:
        """The process that sends it to the API at ``url``. Nothing else depends on it: it may fail alone.

        ``environment``: its token, where one is asked for; looked at when it starts.
        """
        options = {
            "--url": url,
            "--vehicles": str(len(self._vehicle_ids)),
            "--since": self._since.isoformat(),
        }
        return Child(
            name="simulated fleet",
            command=[
                sys.executable,
                "-P",
                "-m",
                "orchestration.cli.main",
                "simulate",
                "--demo",
                *sum(options.items(), ()),
                *(["--insecure"] if url.startswith("https:") else []),  # its certificate has the fleet's name
            ],
            log=log,
            environment=environment,
            inherits=of_a_client,
            ready=self._is_up_to_date,
            ready_timeout_s=FILLED_WITHIN_S,
            essential=False,
        )

    def vehicle_with_an_answer(self) -> str:
        """A vehicle that has charged; the first one where none has yet, soon after midnight."""
        for vehicle in self._vehicle_ids[:MOST_ASKED]:
            answer = self._ask(f"/v1/analytics/performance/{vehicle}")
            if answer is not None and answer["efficiencyRatio"]:
                return vehicle
        return self._vehicle_ids[0]

    def _is_up_to_date(self) -> bool:
        """Whether the past is filled in. It is filled in order of time, so one vehicle tells for all of them."""
        states = [state for each in self._asked if (state := self._ask(f"/v1/vehicles/{each}")) is not None]
        told = [state for state in states if state["ageSeconds"] is not None]
        if not told:
            return False
        newest = min(told, key=lambda state: float(state["ageSeconds"]))
        if newest["ageSeconds"] < FRESH_S:
            return True
        if time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = time.monotonic()
            self._say(f"simulated fleet is filled in up to {newest['timestamp']}")
        return False
