"""Names of files as readers of Parquet take them: to DuckDB and Polars ``*``, ``?`` and ``[`` are patterns.

A lake below a folder ``fleet [old]`` would not be found, and one below ``fleet*`` be read with its neighbours.
"""

import re
from pathlib import Path


def readable(file: Path | str) -> str:
    """What they open as this one file; a text is taken to be that already."""
    return re.sub(r"([*?[])", r"[\1]", str(file)) if isinstance(file, Path) else file


def path_of(opened: str) -> str:
    """The path of what they open."""
    return re.sub(r"\[([*?[])\]", r"\1", opened)
