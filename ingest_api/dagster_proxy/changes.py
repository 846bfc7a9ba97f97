"""What somebody changes by Dagster's pages, told before Dagster is asked: it has no users, and so knows nobody's name.

Its pages change something by a GraphQL mutation, which the gate before it takes as JSON by POST alone, and not by its
WebSocket. What only looks like one is told too: better one entry too many.
"""

import json
import re
from collections.abc import Callable

from ingest_api.database import Database
from warehouse.contract.audit import Action, Change, Origin, SubjectKind
from warehouse.postgres.audit.entries import entries

_is_change = re.compile(r"\bmutation\b").search
_first_field = re.compile(r"\bmutation\b[^{]*{\s*(?:\w+\s*:\s*)?(\w+)").search


class ToldChanges:
    """Writes them down."""

    def __init__(self, database: Callable[[], Database]) -> None:
        """It is asked for at each change: it exists only between start-up and shutdown."""
        self._database = database

    async def tell(self, body: bytes, origin: Origin) -> None:
        """Write down what this body has Dagster change, if it does.

        Raises:
            DatabaseUnavailableError: that cannot be; then it must not be changed.
        """
        if change := change_in(body):
            async with self._database().connection() as connection:
                await connection.execute(*entries(Action.DAGSTER_CHANGE, [change], origin))


def change_in(body: bytes) -> Change | None:
    """What a question to Dagster changes; ``None``: nothing, or it is no question that the gate would let pass."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return None
    query = asked.get("query") if isinstance(asked, dict) else None
    if not isinstance(query, str) or not _is_change(query):
        return None
    first = _first_field(query)
    name = first[1] if first else str(asked.get("operationName"))
    said = {"operation": asked.get("operationName"), "variables": json.dumps(asked.get("variables"))}
    return Change(SubjectKind.DAGSTER, name, None, said)
