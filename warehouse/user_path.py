"""A path as a user writes it, in a setting or behind an option: ``~`` is the home of the user."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def expanded(path: Path) -> Path:
    """The path with a leading ``~`` or ``~user`` replaced: a shell does that for a word of its own alone.

    Raises:
        ValueError: nobody knows that home.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"nobody knows the home folder that {path.parts[0]} stands for") from None


def _of_setting(path: Path) -> Path:
    try:
        str(path).encode()
    except UnicodeEncodeError:  # PostgreSQL, DuckDB and Dagster could not be told of it
        raise ValueError("the path is not written in UTF-8") from None
    return expanded(path)


UserPath = Annotated[Path, AfterValidator(_of_setting)]
"""A path whose ``~`` is replaced."""
