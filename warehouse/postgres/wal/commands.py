"""The commands by which PostgreSQL archives its WAL, and gets it back: programs of ours, run by its shell."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from warehouse.postgres.wal.archive import SETTINGS_FILE

ARCHIVE_PROGRAM = "warehouse.postgres.wal.archive_segment"
RESTORE_PROGRAM = "warehouse.postgres.wal.restore_segment"


class Interpreter(NamedTuple):
    """A Python, and the environment it needs to find our packages."""

    program: str
    environment: Mapping[str, str]

    def running(self, module: str) -> str:
        """For a shell, which becomes the program."""
        given = "".join(f" {name}={_quoted(value)}" for name, value in self.environment.items())
        return f"exec env{given} {_quoted(self.program)} -P -m {module}"


def archive_command(python: Interpreter, state: Path) -> str:
    """For ``archive_command``. Where nothing is to be archived no program is started; ``state`` is ``HOME/backup``."""
    settings = _quoted(state / SETTINGS_FILE)
    return f"test ! -e {settings} || {python.running(ARCHIVE_PROGRAM)} {_quoted(state)} %p %f"


def restore_command(python: Interpreter, folder: Path) -> str:
    """For ``restore_command``: from this folder of an archive."""
    return f"{python.running(RESTORE_PROGRAM)} {_quoted(folder)} %f %p"


def _quoted(text: Path | str) -> str:
    """For the shell, and for PostgreSQL, to which a per cent sign is a placeholder."""
    return shlex.quote(str(text)).replace("%", "%%")
