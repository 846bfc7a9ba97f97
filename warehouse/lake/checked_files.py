"""Are the files that a question reads those that were published? Each is read for its hash first.

Neither its size nor its time tells: a bit that flipped on the disk changes neither, and Parquet mostly passes it as
another number.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import psycopg

from warehouse.lake.publish import DamagedFileError, is_file_intact, say_damaged
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.ledger.lake_files import LakeFile


def damaged_files(lake: Lake, files: Iterable[LakeFile]) -> list[LakeFile]:
    """Those of these files that are not there as they were published."""
    looked_at = list(files)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # reading and hashing wait for no Python
        intact = pool.map(lambda file: is_file_intact(lake, file), looked_at)
        return [file for file, is_right in zip(looked_at, intact, strict=True) if not is_right]


def require_intact(lake: Lake, files: Iterable[LakeFile], ledger: psycopg.Connection | None) -> None:
    """Read these files for their hashes. ``ledger``: a connection to it, where it can be asked what to do.

    Raises:
        MissingFileError, DamagedFileError: one is not there as it was published.
    """
    for file in damaged_files(lake, files):
        if ledger:
            say_damaged(ledger, lake, file)
        raise DamagedFileError(f"{lake.location(file)} is not what was published; fleetwatt scrub says what to do")
