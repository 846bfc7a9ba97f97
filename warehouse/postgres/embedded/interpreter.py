"""A Python that an account can run with our packages: root's own may lie in a folder that is closed to others."""

import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from warehouse.postgres.embedded.account import ServerAccount
from warehouse.postgres.wal.commands import Interpreter


def interpreter_for(
    account: ServerAccount, packages: Sequence[str], search_path: Sequence[str] = ()
) -> Interpreter | None:
    """Our own, else one of the system with the same version, which can load the same packages; None: there is none.

    ``packages`` are those that it must be able to import. ``search_path``: folders of the user's, which come first.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        for python in _candidates(search_path):
            # By a shell, which says in its exit status that there is no such program, or that it may not be run.
            command = ["/bin/sh", "-c", 'exec "$@"', "sh", python.program, "-P", "-c", f"import {', '.join(packages)}"]
            if account.run(command, output=null, environment=python.environment) == 0:
                return python
    finally:
        os.close(null)
    return None


def own_interpreter() -> Interpreter:
    """This process's own, with the folders in which it was told to look: a system's Python finds us there alone."""
    given = os.environ.get("PYTHONPATH")
    path = [os.path.abspath(each) for each in given.split(os.pathsep)] if given else []  # noqa: PTH100 - not resolved
    return Interpreter(sys.executable, {"PYTHONPATH": os.pathsep.join(path)} if path else {})


def _candidates(search_path: Sequence[str]) -> Iterator[Interpreter]:
    yield Interpreter(sys.executable, {})
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = [Path(__file__).parents[3], sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    path = os.pathsep.join(dict.fromkeys([*search_path, *map(str, places)]))
    for folder in ("/usr/bin", "/usr/local/bin"):
        yield Interpreter(f"{folder}/{version}", {"PYTHONPATH": path})
