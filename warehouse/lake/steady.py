"""Answers that hold although files are replaced meanwhile.

A file is replaced at once, but DuckDB opens it twice: for its footer, and for its rows. Where another version came in
between, the footer of one meets the rows of the other. So it is seen whether the files are still those that were there
when the question began, and where they are not, it is asked again.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import duckdb

from warehouse.contract.errors import FleetwattError
from warehouse.lake.checked_files import Version, version_of
from warehouse.lake.paths import Lake

T = TypeVar("T")

MOST_TRIES = 20
"""A file is replaced when its day is run again: seldom twice within one question."""


class LakeInFluxError(FleetwattError):
    """Files of the lake are replaced again and again"""

    code = "lake_in_flux"


def asked_steadily(lake: Lake, datasets: Iterable[str], ask: Callable[[], T]) -> T:
    """What ``ask`` returns, or raises, where no file of these datasets was replaced while it was asked.

    Raises:
        LakeInFluxError: some file was replaced at every try.
    """
    names = list(datasets)
    for _ in range(MOST_TRIES):
        before = _files(lake, names)
        try:
            answer = ask()
        except (duckdb.Error, FleetwattError):
            if _files(lake, names) == before:
                raise
        else:
            if _files(lake, names) == before:
                return answer
    raise LakeInFluxError(f"the files of {', '.join(names)} are being replaced all the time; ask again later")


def _files(lake: Lake, datasets: Iterable[str]) -> dict[Path, Version]:
    """Each file's version: a replaced one has another."""
    paths = [lake.file(name, day) for name in datasets for day in lake.days(name)]
    found = {}
    for path in paths:
        try:
            found[path] = version_of(path)
        except FileNotFoundError:  # removed since it was listed
            continue
    return found
