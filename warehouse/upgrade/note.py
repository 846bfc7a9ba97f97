"""What is written down of an upgrade while it goes on (``HOME/upgrade.json``), so that a killed one is gone on with."""

from datetime import datetime
from pathlib import Path

import msgspec

from warehouse.durability import replace_file, sync
from warehouse.owners_rights import as_owner_of

FILE = "upgrade.json"


class UpgradeNote(msgspec.Struct, frozen=True):
    """How it was when the upgrade began."""

    began_at: datetime
    schema: str
    """The revision."""
    rows: dict[str, int]
    """Of each table."""
    target: str | None
    """Where the backup is made."""


def read_note(home: Path) -> UpgradeNote | None:
    """Of an upgrade that did not come to its end; None: there is none."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=UpgradeNote)
    except FileNotFoundError:
        return None


def write_note(home: Path, note: UpgradeNote) -> None:
    """Before anything is changed."""
    with as_owner_of(home):
        replace_file(home / FILE, msgspec.json.encode(note))
        sync(home)


def remove_note(home: Path) -> None:
    """The upgrade has come to its end."""
    with as_owner_of(home):
        (home / FILE).unlink(missing_ok=True)
