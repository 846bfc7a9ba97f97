"""Tells the terminal when a day has reached the lake, and what a rebuild changed of it."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from warehouse.contract.errors import FleetwattError
from warehouse.lifecycle.restatement_words import rebuilt_words
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.restatements import DayNews, day_news

_LOOK_EVERY_S = 2.0
_COMMITS_WITHIN = timedelta(minutes=1)
"""Two days may end at once, and the one that was noted first be seen last."""


class LakeNews:
    """Looks at the ledger in a thread of its own, which ends with the process."""

    def __init__(
        self,
        environment: Mapping[str, str],
        where: str,
        say: Callable[[str], None],
        is_told_elsewhere: Callable[[date], bool] | None = None,
    ) -> None:
        """``environment``: where FLEET_DATABASE_URL is found; another one after the database was started again.

        ``where`` to see more of a day. ``is_told_elsewhere``: of which days a first build is told by somebody else.
        """
        self._environment = environment
        self._where = where
        self._say = say
        self._is_told_elsewhere = is_told_elsewhere or (lambda _day: False)
        self._begun_at = self._newest_at = datetime.now(UTC)
        self._told: set[tuple[date, int | None]] = set()

    def begin(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._look_forever, name="lake-news", daemon=True).start()

    def look(self) -> None:
        """Look once, and tell what is new.

        Raises:
            FleetwattError: the database cannot be asked now.
        """
        since = max(self._begun_at, self._newest_at - _COMMITS_WITHIN)
        with connect(self._environment["FLEET_DATABASE_URL"]) as connection:
            found = day_news(connection, since)
        for news in found:
            self._newest_at = max(self._newest_at, news.happened_at)
            if (news.day, news.release) not in self._told:
                self._told.add((news.day, news.release))
                if news.summary or (news.release or 1) > 1 or not self._is_told_elsewhere(news.day):
                    self._say(self._line(news))

    def _look_forever(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_S)
            try:
                self.look()
            except FleetwattError:  # the supervisor tells of a database that is away; this one only waits for it
                continue

    def _line(self, news: DayNews) -> str:
        if news.release and news.summary:
            return rebuilt_words(news.day, news.release, news.summary)
        if news.release and news.release > 1:
            return rebuilt_words(news.day, news.release, "no number changed")
        return f"{news.day}: sealed, exported, rolled up and reported; see {self._where}"
