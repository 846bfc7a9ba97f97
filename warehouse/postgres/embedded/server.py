"""The life of a home's embedded PostgreSQL server: made, started, found again, stopped.

Data lies in ``HOME/postgres``, the server's log in ``HOME/logs/postgres.log``. Only a successful connection counts
as "running"; a pid file alone proves nothing. A server on a free port of 127.0.0.1 stays when its starter ends.
"""

import contextlib
import os
import shlex
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from warehouse.contract.database_roles import Role
from warehouse.contract.errors import FleetwattError, ServerStartError
from warehouse.postgres.connection import translated_errors
from warehouse.postgres.embedded import roles, urls
from warehouse.postgres.embedded.account import ServerAccount, account_for, account_for_home
from warehouse.postgres.embedded.cluster import (
    DATABASE,
    MAJOR_VERSION,
    binaries,
    create_cluster,
    has_cluster,
    program,
)
from warehouse.postgres.embedded.earlier_programs import EarlierPrograms
from warehouse.postgres.embedded.files import ServerFiles
from warehouse.postgres.embedded.interpreter import interpreter_for, own_interpreter
from warehouse.postgres.embedded.process import end_orphans, last_port, postmaster, remove_stale_locks
from warehouse.postgres.wal.archive import FOLDER, ArchiveState
from warehouse.postgres.wal.commands import ARCHIVE_PROGRAM, Interpreter, archive_command

_STOP_SECONDS = 120  # a fast shutdown writes every changed page: at most 256 MB of them
_POLL_SECONDS = 0.05
_SOCKET_PATH_BYTES = 107  # Linux's sockaddr_un holds 108, the last is a zero

# Given at each start, so that they hold for homes that an older Fleetwatt made. What the vacuum of a partition needs
# is set on the partition.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "256MB",
    "max_connections": "200",  # eight API processes, Dagster, and commands beside them
    "max_locks_per_transaction": "256",  # one statement over many days locks each day's partition and its index
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "jit": "off",  # compiling costs more than our short queries take
    "timezone": "UTC",
    "log_timezone": "UTC",
    "autovacuum_naptime": "15s",  # index-only scans need pages that are soon marked all-visible
}

# In the log of a failed start: another program took the port, or a killed server's memory is not let go of yet.
_WORTH_ANOTHER_START = ("could not bind", "pre-existing shared memory block")
# In a refused connection: no waiting changes these.
_NOT_WORTH_WAITING = ("authentication failed", "does not exist")


@dataclass(frozen=True)
class EmbeddedPostgres:
    """The server of one home folder. Nothing is touched before a method is called."""

    home: Path
    start_seconds: float = 180.0  # includes the recovery after a crash, which replays up to max_wal_size
    earlier: EarlierPrograms | None = None
    """The programs of an earlier major version, for a data directory that is not upgraded yet."""

    def __post_init__(self) -> None:
        """Fix a relative home: the working folder may change later."""
        object.__setattr__(self, "home", self.home.resolve())

    @property
    def data(self) -> Path:
        """The data directory."""
        return self._files.data

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._files.log

    @property
    def wal_archive(self) -> ArchiveState:
        """Where its WAL goes."""
        return ArchiveState(self.home / FOLDER)

    def _program(self, name: str) -> str:
        return str(self.earlier.folder / name) if self.earlier else program(name)

    @property
    def _files(self) -> ServerFiles:
        return ServerFiles(self.home)

    def ensure_running(self) -> str:
        """The URL of the server, which is made if there is none and started if it does not answer.

        It is that of the role which owns the database; a home of an earlier version is put in order, and the roles that
        own nothing are there then (``running_url``).

        Raises:
            HomeError: the home cannot be used by us or by the server's account; it says what to do.
            ServerStartError: PostgreSQL did not answer within ``start_seconds``; it ends with the log's last lines.
        """
        url = self.running_url()
        if url is not None:
            return url
        deadline = time.monotonic() + self.start_seconds
        account = account_for_home(self.home)
        account.check_enters(self.home, binaries())
        with self._files.errors_of_home(), self._files.lock(deadline, account) as lock:
            if not has_cluster(self.data, self.earlier.major if self.earlier else MAJOR_VERSION):
                create_cluster(self._files, account, lock)
            return roles.settled_url(self._files, self._start_until_it_answers(account, deadline), account)

    def upkeep_url(self) -> str:
        """The superuser's URL of the server, which runs: for upkeep, and never for the API or the pipeline.

        Raises:
            HomeError: the home belongs to another user, or its password is gone.
            ServerStartError: it does not run.
        """
        account_for(self.data)
        with self._files.errors_of_home():
            url = urls.upkeep_url(self.data) if postmaster(self.data) else None
        if url is None:
            raise ServerStartError(f"no server runs in {self.home}")
        return url

    def interpreter(self, account: ServerAccount) -> Interpreter:
        """By which the server archives its WAL: ours, unless root starts it and has one that is closed to others.

        Where the account can run none, ours is told: the server works, and says in its log why it archives nothing.
        """
        return (os.geteuid() == 0 and interpreter_for(account, [ARCHIVE_PROGRAM])) or own_interpreter()

    def dagsters_database(self, name: str) -> str:
        """The URL of Dagster's database in the server, which runs, as Dagster's role; it is made where it is missing.

        One that an earlier version made is given to that role.

        Raises: as ``upkeep_url``.
        """
        with translated_errors():
            roles.make_dagsters_database(self.upkeep_url(), name)
        url = self.running_url(Role.DAGSTER, name)
        if url is None:
            raise ServerStartError(f"the server of {self.home} does not let the role {Role.DAGSTER} in")
        return url

    def has_data(self) -> bool:
        """Whether there is a data directory.

        Raises:
            HomeError: it belongs to another user.
        """
        account_for(self.data)
        return self.data.exists()

    def is_alive(self) -> bool:
        """Whether its process lives: cheap enough to ask often, and true of a frozen server too."""
        return postmaster(self.data) is not None

    def running_url(self, role: Role = Role.OWNER, database: str = DATABASE) -> str | None:
        """A role's URL of the server if it lets that one in now, else None.

        None too where an earlier version started it, which knew no such role: ``ensure_running`` makes it.

        Raises:
            HomeError: the home belongs to another user.
        """
        account_for(self.data)
        with self._files.errors_of_home():
            url = urls.role_url(self.home, role, database) if postmaster(self.data) else None
        return url if url and urls.refusal(url) is None else None

    def stop(self) -> None:
        """Stop the server and wait for its end; its clients are cut off. If it does not run, nothing happens.

        Raises:
            HomeError: the home belongs to another user.
            FleetwattError: it did not end in time.
        """
        account = account_for(self.data)
        if not self.data.exists():
            return
        deadline = time.monotonic() + self.start_seconds
        with self._files.errors_of_home(), self._files.lock(deadline, account), self._files.opened_log(account) as log:
            if postmaster(self.data) is None:
                return
            command = [self._program("pg_ctl"), "stop", "-s", "-w", "-m", "fast", "-t", str(_STOP_SECONDS)]
            failed = account.run(command, output=log, environment={"PGDATA": str(self.data)})
        if failed and postmaster(self.data):
            raise FleetwattError(
                f"PostgreSQL on {self.data} did not stop within {_STOP_SECONDS} s. See its log {self.log}; "
                f"`pg_ctl stop -m immediate` ends it at once, and the next start then recovers."
            )

    def _start_until_it_answers(self, account: ServerAccount, deadline: float) -> str:
        """The superuser's URL. The server is started unless it lives, recovers or shuts down; that is waited for."""
        while True:
            if postmaster(self.data) is None:
                self._start(account, deadline)
            url = urls.upkeep_url(self.data)
            reason = urls.refusal(url) if url else "it has written no port into its pid file yet"
            if url and reason is None:
                return url
            if time.monotonic() > deadline or any(text in str(reason) for text in _NOT_WORTH_WAITING):
                raise self._files.start_error(f"PostgreSQL on {self.data} accepts no connection ({reason})")
            time.sleep(_POLL_SECONDS)

    def _start(self, account: ServerAccount, deadline: float) -> None:
        """Try to start the server once; afterwards it may still be recovering, or be worth another attempt.

        Raises:
            ServerStartError: another attempt would fail like this one.
        """
        end_orphans(self.data)
        remove_stale_locks(self.data)
        patience_seconds = max(1, int(deadline - time.monotonic()))
        command = [
            self._program("pg_ctl"),
            "start",
            "-s",
            "-w",
            "-t",
            str(patience_seconds),
            "-o",
            self._options(account),
        ]
        with self._files.opened_log(account) as log:
            said_before = os.fstat(log).st_size
            # The log is handed over open, and the folder in the environment: as its own options pg_ctl would put
            # both into a shell command, where a `$` in a path means something else.
            failed = account.run(command, output=log, environment={"PGDATA": str(self.data)})
        if not failed or postmaster(self.data):
            return
        said = self._files.log_since(said_before)
        if time.monotonic() > deadline or not any(text in said for text in _WORTH_ANOTHER_START):
            raise self._files.start_error(f"PostgreSQL did not start on {self.data}")

    def _options(self, account: ServerAccount) -> str:
        """The server's options, quoted for the shell through which pg_ctl starts it."""
        socket_path = os.fsencode(self.data / ".s.PGSQL.65535")
        quoted_folder = '"' + str(self.data).replace('"', '""') + '"'  # the setting is a list, in SQL's quotes
        settings = _SETTINGS | {
            "archive_mode": "on",  # to begin a backup needs no restart then
            "archive_command": archive_command(self.interpreter(account), self.wal_archive.folder),
            "port": str(_free_port(last_port(self.data))),
            "unix_socket_directories": quoted_folder if len(socket_path) <= _SOCKET_PATH_BYTES else "",
        }
        # -D repeats the folder where `ps` and our search for its processes can see it.
        return shlex.join(["-D", str(self.data), *(f"--{name}={value}" for name, value in settings.items())])


def _free_port(last: int | None) -> int:
    """The port of the last start if it is still free, so that clients find a restarted server; else any free one."""
    for wanted in (last or 0, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", wanted)) as listener:
            port: int = listener.getsockname()[1]
            return port
    raise ServerStartError("no TCP port of 127.0.0.1 is free")
