"""Launches runs as Dagster does, and tells whether the process of a run is still there.

Dagster's own launcher cannot tell. A run whose process was lost together with its code server (a power cut, ``kill -9``
of everything) would stay "started" for ever, hold its place in the queue, and its day would never be run again.
"""

import psutil
from dagster import DagsterEventType, DagsterRun, DefaultRunLauncher
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

from orchestration.tags import GRPC_INFO_TAG

CLOCK_TOLERANCE_S = 2.0
"""A process began before it said so; with this much room for clocks that are read in different ways."""


class WatchedRunLauncher(DefaultRunLauncher):
    """Looks for a run's process by the id it noted. Only where the code server listens on a socket: on this machine."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the run's process lives; Dagster's daemon asks every few seconds, and fails a run that has none."""
        if '"socket"' not in run.tags.get(GRPC_INFO_TAG, ""):
            return CheckRunHealthResult(WorkerStatus.RUNNING, "it runs on another machine")
        for record in self._instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT):
            event = record.dagster_event
            pid = event.engine_event_data.metadata.get("pid") if event else None
            if pid is not None and not runs_since(int(str(pid.value)), record.timestamp):
                return CheckRunHealthResult(WorkerStatus.FAILED, f"process {pid.value} is gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING)


def runs_since(pid: int, timestamp: float) -> bool:
    """Whether the process that had this id at that instant still runs: ids are given out again."""
    try:
        process = psutil.Process(pid)
        return process.create_time() <= timestamp + CLOCK_TOLERANCE_S and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
