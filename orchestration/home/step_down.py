"""Root starts Fleetwatt as an unprivileged account: the one that PostgreSQL runs under.

The process begins again as that account, in place: with its number, its terminal and its children-to-be. Only root's
own part is done before: the home is handed over, and an interpreter is found that the account can run.
"""

import ctypes
import os
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path

from orchestration.home.asked_by import ASKED_BY, asked_by
from orchestration.home.folder import make_home, require_no_earlier_version
from orchestration.home.home_files import close_to_others, hand_over
from orchestration.processes.child_environment import (
    folder_without_env_file,
    for_a_child,
    of_the_api,
    search_path,
    with_env_file,
)
from warehouse.contract.errors import HomeError
from warehouse.postgres.embedded.account import ServerAccount, account_for_home
from warehouse.postgres.embedded.cluster import binaries
from warehouse.postgres.embedded.interpreter import interpreter_for
from warehouse.postgres.wal.commands import Interpreter
from warehouse.settings import FleetSettings

UMASK = 0o027
"""What is made in a home, its group may read and others not at all."""
begins_processes: ContextVar[bool] = ContextVar("begins_processes", default=False)
"""Whether this process is the command's own, and not one that calls it, such as a test."""

_COMMAND = "import sys; del sys.argv[0]; from orchestration.cli.main import main; main()"
"""Unlike ``-m`` it leaves the command its name, which it shows in what it advises."""
_PACKAGES = ("orchestration", "psycopg", "pydantic_core")
_GET_DEATH_SIGNAL, _SET_DEATH_SIGNAL = 2, 1  # of prctl


def work_in(settings: FleetSettings) -> None:
    """Become whoever works in this home, and make it theirs alone. As root this starts the command again.

    Raises:
        HomeInUseError: an earlier version runs there.
        HomeError: the account may not go there, or cannot run Fleetwatt, or the home cannot be made.
    """
    if not begins_processes.get():
        return
    home = settings.home.resolve()
    require_no_earlier_version(home)
    if os.geteuid() == 0:
        account = account_for_home(home)
        account.check_enters(home.parent, home.parent if settings.names_a_database else binaries())
        hand_over(home, account)
        _become(account, ["-P", "-c", _COMMAND, *sys.argv, "--home", str(home)], with_env_file(os.environ))
    os.umask(UMASK)
    make_home(home)
    close_to_others(home)


def become_the_api(settings: FleetSettings, command: list[str], environment: Mapping[str, str]) -> None:
    """Become the API's program, as root under the account of the home; does not return."""
    whole = {**for_a_child(of_the_api), **environment, "FLEET_HOME": str(settings.home.resolve())}
    if os.geteuid() == 0 and begins_processes.get():
        _become(account_for_home(settings.home.resolve()), command, whole)
    os.chdir(folder_without_env_file())
    os.execve(sys.executable, [sys.executable, *command], whole)  # noqa: S606


def _become(account: ServerAccount, command: list[str], environment: dict[str, str]) -> None:
    python, path = _interpreter(account)
    environment = {**environment, "HOME": "/", "USER": account.name, ASKED_BY: asked_by(), **path}
    _take_on(account)
    os.chdir(folder_without_env_file())  # the user's folder may be closed to the account, and its .env was read
    os.execve(python, [python, *command], environment)  # noqa: S606


def _interpreter(account: ServerAccount) -> Interpreter:
    """A Python that the account can run with our packages, and the environment it needs for that.

    Raises:
        HomeError: there is none.
    """
    ours = str(Path(__file__).parents[2])  # the packages below this one may have been taken from elsewhere
    if found := interpreter_for(account, _PACKAGES, [*search_path(os.environ), ours]):
        return found
    raise HomeError(
        f"Started by root, Fleetwatt runs as '{account.name}', and that account can run neither {sys.executable} "
        f"({Path(sys.executable).resolve()}) nor a Python of the system of the same version with our packages. Make "
        f"the environment with one that other users may run (make clean, make PYTHON=/usr/bin/python3 ...), or run "
        f"Fleetwatt as an ordinary user."
    )


def _take_on(account: ServerAccount) -> None:
    """Become the account for good. Whoever was to be told of its parent's death still is: the kernel forgets that."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    signal_number, parent = ctypes.c_int(0), os.getppid()
    if libc:
        libc.prctl(_GET_DEATH_SIGNAL, ctypes.byref(signal_number))
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    if libc and signal_number.value:
        libc.prctl(_SET_DEATH_SIGNAL, signal_number.value)
        if os.getppid() != parent:
            sys.exit("not started: who began this is gone")
