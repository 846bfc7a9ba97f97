"""The program that a recovering PostgreSQL runs for each file of the WAL: ``restore_segment FOLDER NAME PATH``.

Exit code 0: it is at the path. 1: the archive has none, so it ends before. More than 125 ends the recovery: what is
damaged must not be taken for the archive's end.
"""

import sys
from pathlib import Path

from warehouse.postgres.wal.stored import SUFFIX, DamagedWalError, load

_RECOVERY_ENDS = 126


def main() -> int:
    """Bring back what the arguments name."""
    folder, name, path = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    try:
        path.write_bytes(load(folder / f"{name}{SUFFIX}"))
    except FileNotFoundError:
        return 1
    except (DamagedWalError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return _RECOVERY_ENDS
    return 0


if __name__ == "__main__":
    sys.exit(main())
