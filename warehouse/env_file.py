"""The ``.env`` of the folder a command runs in: read only where it can hold nobody else's settings.

Whoever may write it decides which database gets the readings and whether a token is asked for. In a folder that others
write to, such as ``/tmp``, it could be anybody's.
"""

import os
import stat
from pathlib import Path

from dotenv import dotenv_values

from warehouse.contract.errors import FleetwattError

ENV_FILE = Path(".env")
ENCODING = "utf-8-sig"
"""UTF-8; a byte order mark, as some editors leave it, is skipped."""


class EnvFileError(FleetwattError):
    """The .env of this folder cannot be used"""

    code = "env_file"


def env_file() -> Path | None:
    """The absolute path of the file whose settings apply; ``None`` where there is none.

    Raises:
        EnvFileError: it cannot be read, is not UTF-8, or somebody else can write it.
    """
    path = ENV_FILE.absolute()
    try:
        found = path.stat()
        if stat.S_ISFIFO(found.st_mode):
            raise EnvFileError(f"{path} is a pipe, not a file")
        if not stat.S_ISREG(found.st_mode):  # a folder of that name is somebody's virtual environment
            return None
        _require_ours(path, found)
        path.read_text(encoding=ENCODING)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise EnvFileError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise EnvFileError(f"{path} is not written in UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
    return path


def old_setting_remark() -> str | None:
    """A sentence where a setting of before is still set, which has no effect any more."""
    file = env_file()
    names = {name.upper() for name in (*os.environ, *(dotenv_values(file, encoding=ENCODING) if file else ()))}
    if "FLEET_ALLOW_ANONYMOUS" not in names:
        return None
    return (
        "FLEET_ALLOW_ANONYMOUS has no effect any more: beyond this machine the API asks for a token "
        "(fleetwatt tokens create); where something else keeps strangers out, set FLEET_AUTH=off"
    )


def _require_ours(path: Path, found: os.stat_result) -> None:
    ours = {os.geteuid(), 0, int(os.environ.get("SUDO_UID") or 0)}
    if found.st_uid not in ours:
        whose = "belongs to another user"
    elif found.st_mode & stat.S_IWOTH:
        whose = "can be written by every user"
    else:
        return
    raise EnvFileError(f"{path} {whose}, who would decide your settings; run from another folder, or make it yours")
