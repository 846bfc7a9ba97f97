"""Tells when somebody stops what Dagster does by itself, and moves its first partition back where that is needed.

Not a sensor, because sensors are what is stopped, and what has to be loaded again.

It looks at Dagster's database from the supervisor's process, notes what it finds in ours for the API and for
``fleetwatt status``, and says it once a change, in the terminal and as a message.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from datetime import date

from orchestration.alerting.alerts import MARK, deliver
from orchestration.alerting.channels import channels_of
from orchestration.dagster_runtime.automation import MEANS, what_is_stopped
from orchestration.dagster_runtime.first_partition import first_partition, note_first_partition, reload_code
from orchestration.dagster_runtime.services import DagsterProcesses
from warehouse.alerts.message import Message
from warehouse.contract.errors import FleetwattError
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_ledger import first_day_with_readings
from warehouse.postgres.pipeline_status import pipeline_status, set_pipeline_status, stopped_in

LOOK_EVERY_S = 5.0


class PipelineWatch:
    """Looks in a thread of its own, which ends with the process."""

    def __init__(self, dagster: DagsterProcesses, say: Callable[[str], None]) -> None:
        """``say`` tells a line in the terminal."""
        self._dagster = dagster
        self._say = say
        self._told: list[str] = []
        self._begins = first_partition(dagster.settings)

    def begin(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._look_forever, name="pipeline-watch", daemon=True).start()

    def look(self) -> None:
        """Look once.

        Raises:
            FleetwattError: one of the databases cannot be asked now, or the code server.
        """
        with connect(self._dagster.storage_url) as dagster:
            stopped = stopped_in(dagster, MEANS)
        with connect(self._dagster.database_url) as connection:
            noted = pipeline_status(connection)
            is_news = stopped != list(noted.stopped if noted else [])
            if is_news or noted is None:
                set_pipeline_status(connection, stopped)
            first = first_day_with_readings(connection)
        if stopped != self._told:
            self._tell(stopped, to_all=is_news)  # after a start in the terminal alone
            self._told = stopped
        if first:
            self._move_first_partition(max(first, self._dagster.settings.first_day))

    def _look_forever(self) -> None:
        while True:
            # The supervisor tells of a database that is away; this one only waits for it.
            with contextlib.suppress(FleetwattError):
                self.look()
            time.sleep(LOOK_EVERY_S)

    def _move_first_partition(self, first: date) -> None:
        if first >= self._begins:
            return
        note_first_partition(self._dagster.settings, first)
        reload_code(self._dagster.home.code_socket)
        self._begins = first  # what failed before is tried again
        self._say(f"Dagster's partitions begin with {first} now")

    def _tell(self, stopped: Sequence[str], *, to_all: bool) -> None:
        text = what_is_stopped(stopped)
        if stopped:
            url = f"{self._dagster.url}/automation"
            text = f"{text}. Start it again at {url}"
        self._say(f"{MARK}{text}" if stopped else text)
        if to_all:
            fields = {"what": "stopped automation", "reason": ", ".join(stopped) or "none"}
            message = Message("automation.stopped", "Fleetwatt: what Dagster does by itself", text, fields)
            channels = channels_of(self._dagster.settings)
            deliver(message, channels, lambda problem: self._say(f"{MARK}{problem}"))
