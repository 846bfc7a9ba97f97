"""PostgreSQL's own programs for backups, run under the server's account. No password is on a command line."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from warehouse.contract.redaction import redacted
from warehouse.postgres.embedded.account import ServerAccount
from warehouse.postgres.embedded.cluster import program

APPLICATION_NAME = "fleetwatt backup"


class ProgramError(Exception):
    """A program failed; the text is what it said last"""

    def __init__(self, text: str, said: str) -> None:
        """``said``: all of it."""
        super().__init__(text)
        self.said = said


def run_program(
    account: ServerAccount, name: str, arguments: Sequence[str | Path], *, url: str = "", held: Sequence[int] = ()
) -> str:
    """Run one to its end, where it asks for a server, with this URL; returns what it said.

    Raises:
        ProgramError: it failed.
    """
    environment = {"TZ": "UTC"}
    if url:
        parts = conninfo_to_dict(url)
        environment |= {
            "PGHOST": str(parts["host"]),
            "PGPORT": str(parts["port"]),
            "PGUSER": str(parts["user"]),
            "PGPASSWORD": str(parts["password"]),
            "PGAPPNAME": APPLICATION_NAME,
        }
    with tempfile.TemporaryFile() as output:
        failed = account.run([program(name), *arguments], output=output.fileno(), environment=environment, held=held)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if failed:
        lines = said.strip().splitlines()
        errors = [line for line in lines if "error:" in line or "FATAL:" in line] or lines[-1:]
        raise ProgramError(redacted(" / ".join(errors)) if errors else f"{name} ended with {failed}", said)
    return said


def size_of(folder: Path) -> int:
    """What its files hold, in bytes."""
    return sum((Path(where) / name).lstat().st_size for where, _, names in os.walk(folder) for name in names)
