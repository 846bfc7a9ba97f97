"""The product on a home of its own: PostgreSQL and the API as a user starts them, gone at the end of the block."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from orchestration.home.database_roles import settle_roles_of
from tests.faults.api import Api
from tests.faults.postgres import Postgres
from warehouse.postgres.connection import connect
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_ahead
from warehouse.settings import FleetSettings

WORKERS = 2


class Product(AbstractContextManager["Product"]):
    """Running inside a ``with`` block. ``url`` is the database's; it stays the same when the server is restarted."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] = {},
        *,
        home: Path | None = None,
        open_files: int | None = None,
    ) -> None:
        """``home`` is where PostgreSQL keeps its data; by default in the folder, which holds the API's log.

        Each process of the API may have so many files and sockets open.
        """
        self._open_files = open_files
        self.folder = folder
        self.began_at = datetime.now(UTC)
        self.postgres = Postgres(home or folder / "home")
        self._settings = settings
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Make the database and start the API."""
        with ExitStack() as stack:
            stack.callback(self.postgres.stop)
            self.url = self.postgres.start()
            migrate(self.url)
            settings = FleetSettings(_env_file=None, home=self.postgres.server.home)
            settle_roles_of(settings, self.url, lambda _line: None)  # commands on the home work as these
            with connect(self.url) as connection:
                make_ahead(connection, datetime.now(UTC), settings.accepted_age, settings.grace)
            self.api = Api(self.folder, {"FLEET_DATABASE_URL": self.url, **self._settings}, WORKERS, self._open_files)
            stack.callback(self.api.kill)
            self.api.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill all of it."""
        self._stack.close()
