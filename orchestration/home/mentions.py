"""Takes an id out of the texts in a home: logs, what Dagster's steps wrote, reports, a simulated history.

A log is open for whoever writes it, so it is changed in place: its writer appends, and goes on behind it. What is
written in the same instant may be lost.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from warehouse.contract.device_rows import mention

NOT_TEXTS = frozenset({"postgres", "postgres.new", "lake", "secrets", "lock", "postgres.lock", "users"})
"""In the home: what is looked after by itself."""
WRITTEN_ANEW = "reports"
"""Pages that are made of the lake: one that names the device is removed, and made again without it."""


def blank_files(home: Path, external_id: str, stand_in: str) -> Iterator[Path]:
    """Put the stand-in for an id in every text of a home; yields the files that were changed or removed."""
    found = re.compile(mention(external_id).encode())
    for path in _files(home):
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # a log was set aside meanwhile: its parts are looked at too
            continue
        if not found.search(content):
            continue
        if path.relative_to(home).parts[0] == WRITTEN_ANEW:
            path.unlink(missing_ok=True)
        else:
            with path.open("r+b") as file:
                file.write(found.sub(stand_in.encode(), content))
                file.truncate()
                os.fsync(file.fileno())
        yield path


def _files(home: Path) -> Iterator[Path]:
    for entry in sorted(home.iterdir()):
        if entry.name in NOT_TEXTS or entry.is_symlink():
            continue
        below = sorted(entry.rglob("*")) if entry.is_dir() else [entry]
        yield from (path for path in below if path.is_file() and not path.is_symlink())
