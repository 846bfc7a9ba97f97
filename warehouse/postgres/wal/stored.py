"""Files of the WAL in an archive's folder: compressed, with a checksum, each there as a whole or not at all."""

import sys
from pathlib import Path

from warehouse.durability import replace_file, sync

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SUFFIX = ".zst"
_OPTIONS: dict[int, int] = {zstd.CompressionParameter.compression_level: 1, zstd.CompressionParameter.checksum_flag: 1}


class DamagedWalError(Exception):
    """A file of the archive is not what was stored; the text names it."""


class OtherWalError(Exception):
    """The archive has a file of this name with other bytes; the text names it."""


def stored_names(folder: Path) -> set[str]:
    """The files of the WAL that an archive has."""
    return {path.stem for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith(".")}


def store(source: Path, folder: Path, name: str) -> None:
    """Take a file into the archive, which is durable when this returns. Again the same is taken for done.

    Raises:
        OSError: the folder is not there, or has no room.
        OtherWalError: other bytes are stored under the name.
    """
    content, stored = source.read_bytes(), folder / f"{name}{SUFFIX}"
    if stored.exists() and not _is_damaged(stored):
        if load(stored) != content:
            raise OtherWalError(f"{stored} is of another server")
    else:
        replace_file(stored, zstd.compress(content, options=_OPTIONS))
    sync(folder)


def load(stored: Path) -> bytes:
    """What was stored.

    Raises:
        FileNotFoundError: nothing was.
        DamagedWalError: it is not what was stored.
    """
    try:
        return zstd.decompress(stored.read_bytes())
    except zstd.ZstdError as error:
        raise DamagedWalError(f"{stored} is damaged ({error})") from error


def _is_damaged(stored: Path) -> bool:
    try:
        load(stored)
    except DamagedWalError:
        return True
    return False
