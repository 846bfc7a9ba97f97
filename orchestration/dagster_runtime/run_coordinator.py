"""Queues runs as Dagster does, and sees before that each pool of a run has its limit.

Dagster's daemon gives a pool that it meets for the first time the limit of ``dagster.yaml``, but has read all limits
before: in that round nothing holds the pool, and two days could begin side by side.
"""

from typing import Any

import dagster as dg


class PooledRunCoordinator(dg.QueuedRunCoordinator):
    """Every run comes by here, whoever asks for it: a sensor, a backfill, a person, a repetition."""

    def __init__(self, **config: Any) -> None:
        """``config``: as its base."""
        super().__init__(**config)
        self._limited: set[str] = set()

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Queue a run."""
        pools = context.dagster_run.run_op_concurrency
        if pools and (new := set(pools.all_pools or ()) - self._limited):
            storage = self._instance.event_log_storage
            for pool in new - {each.name for each in storage.get_pool_limits()}:
                storage.initialize_concurrency_limit_to_default(pool)
            self._limited |= new
        return super().submit_run(context)
