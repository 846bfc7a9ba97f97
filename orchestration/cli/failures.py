"""How a command ends that cannot go on for a reason that nobody foresaw: in a sentence, with the details in a file."""

import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from warehouse.contract.redaction import redacted
from warehouse.owners_rights import as_owner_of

_homes: list[Path] = []


def note_home(home: Path) -> None:
    """Remember whose command this is: its details go to the logs of that home."""
    _homes.append(home)


def sentence_of(error: BaseException) -> str:
    """What happened, as far as the error knows it, in one line."""
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        return f"{where}{error.strerror}"
    if isinstance(error, UnicodeError):
        return f"a text is not written in UTF-8 ({error})"
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def write_details(error: BaseException) -> Path | None:
    """Append the traceback to a file that only its owner reads; ``None`` where no file can be written."""
    text = redacted("".join(traceback.format_exception(error)))
    for open_log in (_log_of_home, _log_elsewhere):
        try:
            descriptor, path = open_log()
            with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(f"--- {datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z\n{text}")
        except OSError:  # a full disk, a folder of somebody else's: the next place
            continue
        return path
    return None


def _log_of_home() -> tuple[int, Path]:
    home = (_homes[-1] if _homes else Path("/nowhere")).absolute()
    path = home / "logs" / "commands.log"
    with as_owner_of(home):  # root's command writes what the home's account can write later
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), path


def _log_elsewhere() -> tuple[int, Path]:
    descriptor, path = tempfile.mkstemp(prefix="fleetwatt-", suffix=".log")
    return descriptor, Path(path)
