"""Tells the terminal when a day has reached the lake, and where to look at it."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from warehouse.contract.errors import FleetwattError
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_ledger import built_since

_LOOK_EVERY_S = 2.0


class LakeNews:
    """Looks at the ledger in a thread of its own, which ends with the process."""

    def __init__(self, environment: Mapping[str, str], where: str, say: Callable[[str], None]) -> None:
        """``environment``: where FLEET_DATABASE_URL is found; another one after the database was started again.

        ``where`` to see more of a day.
        """
        self._environment = environment
        self._where = where
        self._say = say
        self._since = datetime.now(UTC)

    def begin(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._look_forever, name="lake-news", daemon=True).start()

    def _look_forever(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_S)
            try:
                self._tell_news()
            except FleetwattError:  # the supervisor tells of a database that is away; this one only waits for it
                continue

    def _tell_news(self) -> None:
        with connect(self._environment["FLEET_DATABASE_URL"]) as connection:
            for day, built_at in built_since(connection, self._since):
                self._since = built_at
                self._say(f"{day}: sealed, exported, rolled up and reported; see {self._where}")
