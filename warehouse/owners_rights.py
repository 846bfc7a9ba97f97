"""Root opens files of another account with that account's rights."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def as_owner_of(folder: Path | int) -> Iterator[None]:
    """As root, open, make and rename files with the rights of the folder's owner, for the time of the block.

    What is made there is the owner's at once, and a link that the owner laid in any part of a path leads root nowhere.
    An ordinary user, and root in a folder of its own, go on as they are. Only calls of the system belong in the block:
    Python may have to load code that the owner cannot read. A folder may be given by its descriptor: what is opened by
    ``dir_fd`` is found although the owner cannot get there.

    Raises:
        OSError: there is no such folder.
    """
    owner = os.fstat(folder) if isinstance(folder, int) else folder.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    try:
        os.setgroups([])
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
