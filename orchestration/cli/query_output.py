"""Rows of a query as DuckDB wrote them to a file, on their way to the terminal or a file."""

import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import BinaryIO

import typer

from orchestration.cli.options import notes
from warehouse.visible import visible

_TEXT_OR_NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\b(?:Infinity|NaN)\b')


def require_place(output: Path) -> None:
    """See that a file can be made there, before anything is asked.

    Raises:
        typer.BadParameter: there is no folder to make it in, a folder has its name, or no file can.
    """
    folder = output.absolute().parent
    try:
        has_folder, is_folder = folder.is_dir(), output.is_dir()
    except OSError as error:
        raise _cannot_be_written(output, error) from error
    if not has_folder:
        made_by = shlex.join(["mkdir", "-p", str(folder)])
        raise typer.BadParameter(f"there is no folder {folder}; make it first: {made_by}", param_hint="--output")
    if is_folder:
        raise typer.BadParameter(f"{output} is a folder; name a file in it", param_hint="--output")


def hand_over(written: Path, output: Path | None, *, is_json: bool) -> None:
    """Print what was written, or say where it is; JSON is put right first, into that file.

    Raises:
        typer.BadParameter: that file cannot be opened.
    """
    if output is None:
        _print_file(written, is_json=is_json)
        return
    if is_json:
        with _opened(output) as file:
            _copy(written, file, is_json=True)
    notes.print(f"written: {output}")


def _opened(output: Path) -> BinaryIO:
    try:
        return output.open("wb")
    except OSError as error:
        raise _cannot_be_written(output, error) from error


def _cannot_be_written(output: Path, error: OSError) -> typer.BadParameter:
    return typer.BadParameter(f"{output} cannot be written: {error.strerror}", param_hint="--output")


def _print_file(path: Path, *, is_json: bool) -> None:
    """To stdout: byte for byte for a program, without what a terminal would obey for a person."""
    if sys.stdout.isatty():
        with path.open(encoding="utf-8") as text:
            for line in text:
                sys.stdout.write(visible(without_infinity(line.encode()).decode() if is_json else line))
        return
    sys.stdout.flush()
    _copy(path, sys.stdout.buffer, is_json=is_json)


def _copy(path: Path, to: BinaryIO, *, is_json: bool) -> None:
    """Its bytes. DuckDB writes numbers that JSON does not have as Infinity and NaN: here they are null."""
    with path.open("rb") as file:
        if is_json:
            to.writelines(map(without_infinity, file))
        else:
            shutil.copyfileobj(file, to)


def without_infinity(line: bytes) -> bytes:
    """A line of DuckDB's JSON, a row, in which what is no number is null; a text may say NaN."""
    if b"Infinity" not in line and b"NaN" not in line:
        return line
    return _TEXT_OR_NO_NUMBER.sub(lambda found: found[0] if found[0].startswith(b'"') else b"null", line)
