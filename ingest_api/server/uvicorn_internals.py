"""A worker's process, whose death is seen at once.

The server's parent asks its workers in turn, twice a second, and waits for the answer. A worker that is killed in
between never answers, and the parent holds that end of their pipe as well, so nothing tells it. Until its patience
ends (``WORKER_ANSWERS_WITHIN_S``) it would replace no worker, and were all of them dead, leave everybody waiting.
"""

from uvicorn.supervisors import multiprocess


class WorkerProcess(multiprocess.Process):
    """Lets go of the worker's end once the worker has it."""

    def start(self) -> None:
        """Start it."""
        super().start()
        self.child_conn.close()


def see_deaths_of_workers() -> None:
    """Have the server begin its workers like this; it has no setting for it."""
    vars(multiprocess)["Process"] = WorkerProcess
