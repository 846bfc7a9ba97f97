"""Whether readings can be stored: what the writers found last, else a write of our own."""

import logging
import math
import time

import psycopg

from ingest_api.commit.group_commit import GroupCommit
from ingest_api.database import Database
from warehouse import sqlfiles
from warehouse.contract.errors import DatabaseUnavailableError

logger = logging.getLogger(__name__)

RECENT_S = 30.0
"""For how long the newest commit, failed or not, tells whether readings can be stored now."""
PROBE_AGAIN_S = 2.0
"""Where something failed; where nothing did, a probe counts for as long as a commit."""


class StoringHealth:
    """Asked by ``/health`` and ``/readyz``, about the writers of this process."""

    def __init__(self, commits: GroupCommit, database: Database) -> None:
        self._commits = commits
        self._database = database
        self._probed_at = -math.inf
        self._found: str | None = None

    async def fault(self) -> str | None:
        """Why readings cannot be stored; ``None``: they can be."""
        now = time.monotonic()
        failure, stored_at = self._commits.newest_failure(), self._commits.stored_at()
        if failure and failure.at > stored_at and now - failure.at < RECENT_S:
            return f"readings could not be stored {now - failure.at:.0f} s ago: {failure.reason}"
        if failure is None and now - stored_at < RECENT_S:
            return None
        if now - self._probed_at >= (PROBE_AGAIN_S if failure or self._found else RECENT_S):
            self._found, self._probed_at = await self._probe(), time.monotonic()
        return self._found

    async def _probe(self) -> str | None:
        try:
            async with self._database.connection() as connection:
                try:
                    await connection.execute(sqlfiles.load("ingest_api.health", "write_probe"))
                except psycopg.errors.InsufficientPrivilege:
                    logger.warning(
                        "this role may make no temporary tables: a full disk is seen by failed commits alone"
                    )
        except DatabaseUnavailableError as error:
            return f"nothing can be written: {error.detail}"
        return None
