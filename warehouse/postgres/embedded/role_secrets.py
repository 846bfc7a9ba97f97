"""The passwords of the roles that work on a home's server without owning it: files of mode 0600 in ``HOME/secrets``.

Not in the data directory, as the owner's and the superuser's are: a home whose folder is lost gets new ones at the next
start, and a part can be given its own file and no other one.
"""

from pathlib import Path

from warehouse.contract.database_roles import APART, Role
from warehouse.durability import sync
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.embedded.account import ServerAccount
from warehouse.postgres.embedded.cluster import read_secret, write_password

FOLDER = "secrets"
KEPT_HERE = (*APART, Role.DAGSTER)


def password_of(home: Path, role: Role) -> str | None:
    """The password of one of them; ``None``: it has none yet."""
    try:
        return read_secret(_file(home, role)) or None
    except FileNotFoundError:
        return None


def kept_password(home: Path, role: Role, account: ServerAccount) -> str:
    """The same; it is made where there is none, for this account. What is half written is never found."""
    if found := password_of(home, role):
        return found
    file = _file(home, role)
    unfinished = file.with_name(f"{file.name}.new")
    with as_owner_of(home):
        file.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished.unlink(missing_ok=True)  # as a killed start left it
        made = write_password(unfinished)
        if home.stat().st_uid == 0:  # root's own home, in which nobody else has laid anything
            account.own(file.parent, unfinished)
        unfinished.rename(file)
        sync(file.parent)
    return made


def _file(home: Path, role: Role) -> Path:
    return home / FOLDER / f"{role}.password"
