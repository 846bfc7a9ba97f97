"""Does to findings what people ask for, by what jobs and the command line do it with."""

import asyncio
from uuid import UUID

from ingest_api.commit.loop_connection import open_loop_connection, run_on_loop
from warehouse.postgres.connection import translated_errors
from warehouse.postgres.findings.acts import Request, act_on_finding
from warehouse.postgres.findings.finding_reads import FindingRow

ACTING_CONNECTIONS = 1
"""At a time."""


class FindingActs:
    """One act at a time, each by a connection of its own: people do few of them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._one_at_a_time = asyncio.Lock()

    async def act(self, finding_id: UUID, request: Request) -> FindingRow:
        """As ``act_on_finding``, and raises what that raises.

        Raises:
            DatabaseUnavailableError: it cannot be reached, or went away.
        """
        async with self._one_at_a_time:
            with translated_errors():
                connection = await asyncio.to_thread(open_loop_connection, self._url)
                try:
                    return await run_on_loop(act_on_finding, connection, finding_id, request)
                finally:
                    connection.close()
