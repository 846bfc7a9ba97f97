"""The program that PostgreSQL runs for each segment of its WAL: ``archive_segment HOME/backup PATH NAME``.

Exit code 0: every target has it for good, and PostgreSQL may forget it. 1: not yet; PostgreSQL asks again and again.
"""

import os
import shutil
import sys
from pathlib import Path

from warehouse.postgres.wal.archive import ArchiveState, WalArchive, must_give_up, waiting_of
from warehouse.postgres.wal.segments import SEGMENT_BYTES
from warehouse.postgres.wal.stored import OtherWalError, store


def main() -> int:
    """Archive what the arguments name."""
    os.umask(0o077)
    state, source, name = ArchiveState(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]
    archive = state.read()
    if archive is None or state.gap:
        return 0
    problems = [problem for target in archive.targets if (problem := _problem(archive, target, source, name))]
    if not problems:
        state.forget_failure()
        return 0
    why = "; ".join(problems)
    sys.stderr.write(f"the WAL segment {name} is not archived: {why}\n")
    disk, waiting = shutil.disk_usage(source.parent), waiting_of(source.parent).segments * SEGMENT_BYTES
    if must_give_up(1 - disk.free / (disk.used + disk.free), archive.critical_ratio, waiting, disk.free):
        sys.stderr.write("the disk is nearly full of waiting WAL: it is not archived any more\n")
        state.give_up(name, why)
        return 0
    state.note_failure(name, why)
    return 1


def _problem(archive: WalArchive, target: Path, source: Path, name: str) -> str | None:
    """Why a target does not have it; None: it has."""
    try:
        store(source, archive.folder_in(target), name)
    except FileNotFoundError:
        return f"{archive.folder_in(target)} is not there"
    except OSError as error:
        return f"{target} cannot be written ({error.strerror})"
    except OtherWalError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
