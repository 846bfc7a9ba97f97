"""The lake of a restored ledger: each version that it names, from the copy with that version's hash."""

import shutil
from dataclasses import dataclass, field

import psycopg

from warehouse.backup.lake_copies import is_intact_copy, path_of_copy
from warehouse.backup.target import BackupTarget
from warehouse.lake.storage.lake import Lake, key_of
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.ledger.lake_files import LakeFile, list_versions


@dataclass
class RestoredLake:
    """What came back, and what did not."""

    files: int = 0
    size_bytes: int = 0
    missing: list[LakeFile] = field(default_factory=list)
    """Published after the last backup before the instant, and in no later one; or damaged in the backup."""


def restore_lake(connection: psycopg.Connection, target: BackupTarget, lake: Lake) -> RestoredLake:
    """Put back what the ledger names and the target has."""
    done = RestoredLake()
    with as_owner_of(lake.root.parent):
        lake.root.mkdir(mode=0o750, exist_ok=True)
    for file in list_versions(connection):
        sha256 = file.sha256.hex()
        if not is_intact_copy(target, sha256):
            done.missing.append(file)
            continue
        with (
            path_of_copy(target, sha256).open("rb") as copy,
            as_owner_of(lake.root),
            lake.aside(file.dataset, file.day) as path,
        ):
            with path.open("xb") as written:
                shutil.copyfileobj(copy, written, 1 << 20)
            lake.store.put(str(key_of(file)), path)
        done.files += 1
        done.size_bytes += file.size_bytes
    return done
