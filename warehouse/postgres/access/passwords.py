"""Passwords of people: argon2id, by argon2-cffi. To try one on a stolen hash costs what a sign-in costs.

That is 64 MiB and about a tenth of a second of one core, without the interpreter's lock.
"""

from functools import cache
from typing import TYPE_CHECKING

from warehouse.contract.users import normal_password

if TYPE_CHECKING:
    from argon2 import PasswordHasher

PASSES = 2
MEMORY_KIB = 64 * 1024
LANES = 1
"""One: threads of one sign-in would take several cores from readings."""


def hash_password(password: str) -> str:
    """What is kept of a password."""
    return _hasher().hash(normal_password(password))


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether it is the password of this hash. ``None``: of a user that there is not, which takes as long."""
    from argon2.exceptions import VerifyMismatchError

    if password_hash is None:
        hash_password(password)
        return False
    try:
        return _hasher().verify(password_hash, normal_password(password))
    except VerifyMismatchError:
        return False


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
