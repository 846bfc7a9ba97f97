"""A file of readings, opened once: what is hashed is what is read. What cannot be read twice is copied first."""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from warehouse.lake.reading_files import NO_READING, UnreadableReadingsError
from warehouse.postgres.embedded.files import make_folder

_STANDARD_INPUT = frozenset({"-", "/dev/stdin"})
_COPY_BYTES = 1024 * 1024
_SPARE_SHARE = 0.05
"""Of the disk: PostgreSQL lies on it too."""


class OpenedFile(NamedTuple):
    """A file of readings, at its beginning."""

    name: str
    """As it is kept with what is refused."""
    file: BinaryIO
    sha256: bytes
    """By which an interrupted import knows it again."""
    size_bytes: int
    stamp: tuple[int, int]

    def require_unchanged(self) -> None:
        """Look whether it is as it was when it was opened.

        Raises:
            UnreadableReadingsError: somebody wrote to it meanwhile.
        """
        if _stamp(self.file) != self.stamp:
            raise UnreadableReadingsError("was changed while it was read; import it again when it is complete")


def require_readable(path: Path) -> None:
    """Look at the file without opening it: what writes into a pipe must not be told that its reader is gone.

    Raises:
        UnreadableReadingsError: there is no such file, it is none, or we may not read it.
    """
    if str(path) in _STANDARD_INPUT:
        return
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UnreadableReadingsError(str(error.strerror)) from error
    _require_file_or_pipe(mode)
    if not os.access(path, os.R_OK):
        raise UnreadableReadingsError("Permission denied")


@contextmanager
def opened(path: Path, spool: Path) -> Iterator[OpenedFile]:
    """Open a file, or standard input (``-``). A pipe is copied to a file in ``spool`` that no folder lists.

    Raises:
        UnreadableReadingsError: it cannot be read, it is empty, or there is no room for the copy.
    """
    require_readable(path)
    with ExitStack() as stack:
        try:
            given = stack.enter_context(_open(path))
            mode = os.fstat(given.fileno()).st_mode
            _require_file_or_pipe(mode, may_be_socket=str(path) in _STANDARD_INPUT)
            is_file = stat.S_ISREG(mode) and given.tell() == 0
            file = _hashed(path, given if is_file else stack.enter_context(_copied(given, spool)))
        except OSError as error:
            raise UnreadableReadingsError(str(error.strerror or error)) from error
        yield file


def shown(path: Path | str) -> str:
    """A name as it can be written anywhere: bytes that are no UTF-8 and control characters with backslashes."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _open(path: Path) -> BinaryIO:
    if str(path) in _STANDARD_INPUT:
        return open(os.dup(0), "rb")  # noqa: PTH123 - a descriptor; whoever calls closes it
    return path.open("rb")


def _require_file_or_pipe(mode: int, *, may_be_socket: bool = False) -> None:
    if stat.S_ISDIR(mode):
        raise UnreadableReadingsError("is a directory; name the files in it")
    if stat.S_ISSOCK(mode) and not may_be_socket:
        raise UnreadableReadingsError("is a socket, no file")
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise UnreadableReadingsError("is a device or a terminal, no file; name a file, or pipe readings in")


def _hashed(path: Path, file: BinaryIO) -> OpenedFile:
    stamp = _stamp(file)
    sha256 = hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type] # it has readinto
    size_bytes = file.tell()
    if size_bytes == 0:
        raise UnreadableReadingsError(NO_READING)
    file.seek(0)
    name = "stdin" if str(path) in _STANDARD_INPUT else shown(path.name)
    return OpenedFile(name, file, sha256, size_bytes, stamp)


def _stamp(file: BinaryIO) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


@contextmanager
def _copied(given: BinaryIO, spool: Path) -> Iterator[BinaryIO]:
    make_folder(spool)
    with tempfile.TemporaryFile(dir=spool) as copy:  # it has no name: it is gone with this process, however that ends
        while piece := given.read(_COPY_BYTES):
            room = shutil.disk_usage(spool)
            if room.free < room.total * _SPARE_SHARE + len(piece):
                raise UnreadableReadingsError(f"cannot be read twice, and {shown(spool)} has no room for a copy of it")
            copy.write(piece)
        copy.flush()
        copy.seek(0)
        yield copy
