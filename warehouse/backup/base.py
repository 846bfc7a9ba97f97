"""Takes the base backup of the embedded server by PostgreSQL's own programs, and has them verify it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from warehouse import sqlfiles
from warehouse.backup.errors import BackupFailedError, DamagedBackupError
from warehouse.backup.manifest import CHECKSUMS, read_manifest, verify_base
from warehouse.backup.programs import APPLICATION_NAME, ProgramError, run_program, size_of
from warehouse.backup.record import BASE, Base
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded.account import ServerAccount
from warehouse.postgres.schema_version import find_revision
from warehouse.postgres.wal.segments import segment_of

_PACKAGE = "warehouse.backup"


def take_base(
    account: ServerAccount, upkeep_url: str, url: str, folder: Path, archive_id: str, megabytes_per_second: int | None
) -> Base:
    """Copy the running server's files into ``folder``, and verify the copy.

    The password files in the data directory are part of it: a restored server has the passwords of the first one.

    Raises:
        BackupFailedError: one of the programs failed.
    """
    base = folder / BASE
    arguments: list[str | Path] = ["--pgdata", base, "--wal-method=stream", "--checkpoint=fast", "--no-password"]
    arguments.append(f"--manifest-checksums={CHECKSUMS}")
    if megabytes_per_second:
        arguments.append(f"--max-rate={megabytes_per_second}M")
    try:
        run_program(account, "pg_basebackup", arguments, url=upkeep_url)
    except ProgramError as error:
        raise BackupFailedError(f"the server's files cannot be copied: {error}") from error
    try:
        verify_base(account, base)
    except DamagedBackupError as error:
        raise BackupFailedError(f"the copy is not what the server sent: {error.detail}") from error
    with connect(upkeep_url) as connection:
        now, system = _now_and_system(connection)
    with connect(url) as connection:
        schema = find_revision(connection) or ""
    timeline, ends_at = _end_of_wal(base)
    return Base(
        system=system,
        wal_archive=archive_id,
        last_segment=segment_of(timeline, ends_at),
        # Up to the full second, as people copy it.
        restorable_from=now.replace(microsecond=0) + timedelta(seconds=1 if now.microsecond else 0),
        schema=schema,
        size_bytes=size_of(base),
    )


def end_orphans(connection: psycopg.Connection) -> None:
    """End base backups whose commands were killed: nobody waits for them. The connection is the superuser's."""
    connection.execute(sqlfiles.load(_PACKAGE, "end_copies"), {"application_name": APPLICATION_NAME})


def _now_and_system(connection: psycopg.Connection) -> tuple[datetime, str]:
    row = connection.execute(sqlfiles.load(_PACKAGE, "find_system")).fetchone()
    assert row is not None  # noqa: S101 - it has one row
    return row[0].astimezone(UTC), str(row[1])


def _end_of_wal(base: Path) -> tuple[int, str]:
    """The timeline, and the position at which the copy is whole."""
    last = read_manifest(base)["WAL-Ranges"][-1]
    return int(last["Timeline"]), str(last["End-LSN"])
