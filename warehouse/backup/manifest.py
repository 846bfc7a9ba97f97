"""Holds a base backup against the manifest that the server wrote of it, as pg_verifybackup does.

That program is in the embedded package, but its build of PostgreSQL 18 for Linux (0.6.0) crashes before it begins; so
the same is done here: the manifest by its own hash, each file by size and SHA-256, the WAL read by pg_waldump.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from warehouse.backup.errors import DamagedBackupError
from warehouse.backup.programs import ProgramError, run_program
from warehouse.postgres.embedded.account import ServerAccount

NAME = "backup_manifest"
CHECKSUMS = "SHA256"
_NOT_IN_IT = {NAME, "pg_wal"}
"""The WAL of a base backup is not in its manifest: it is read instead."""


def read_manifest(base: Path) -> dict[str, Any]:
    """The manifest of a base backup.

    Raises:
        DamagedBackupError: it is not what the server wrote.
    """
    try:
        written = (base / NAME).read_bytes()
    except OSError as error:
        raise DamagedBackupError(f"{base / NAME} cannot be read ({error.strerror})") from error
    hashed, _, last_line = written.rstrip(b"\n").rpartition(b"\n")
    is_whole = hashlib.sha256(hashed + b"\n").hexdigest().encode() in last_line
    if not is_whole:
        raise DamagedBackupError(f"{base / NAME} is not what the server wrote")
    return dict(json.loads(written))


def verify_base(account: ServerAccount, base: Path) -> None:
    """Read all of a base backup.

    Raises:
        DamagedBackupError: something is not what was copied, is missing, or was added.
    """
    manifest = read_manifest(base)
    expected = {_path_of(file): file for file in manifest["Files"]}
    for path in _files_in(base):
        if path.parts[0] not in _NOT_IN_IT and str(path) not in expected:
            raise DamagedBackupError(f"{base / path} does not belong to the backup")
    for name, file in expected.items():
        _verify_file(base / name, file)
    for part in manifest["WAL-Ranges"]:
        of_wal = [f"--timeline={part['Timeline']}", f"--start={part['Start-LSN']}", f"--end={part['End-LSN']}"]
        try:
            run_program(account, "pg_waldump", ["--quiet", "--path", base / "pg_wal", *of_wal])
        except ProgramError as error:
            raise DamagedBackupError(f"the WAL in {base / 'pg_wal'} is not whole: {error}") from error


def _path_of(file: dict[str, str]) -> str:
    return file["Path"] if "Path" in file else bytes.fromhex(file["Encoded-Path"]).decode(errors="surrogateescape")


def _verify_file(path: Path, file: dict[str, Any]) -> None:
    try:
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        is_equal = path.stat().st_size == file["Size"] and digest == file["Checksum"]
    except OSError as error:
        raise DamagedBackupError(f"{path} cannot be read ({error.strerror})") from error
    if not is_equal:
        raise DamagedBackupError(f"{path} is not what was copied")


def _files_in(base: Path) -> Iterator[Path]:
    return (path.relative_to(base) for path in base.rglob("*") if not path.is_dir())
