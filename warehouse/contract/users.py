"""Who people are to the API: their names, roles and passwords."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum

from warehouse.contract.errors import InvalidRequestError
from warehouse.contract.findings import PIPELINE
from warehouse.contract.tokens import Scope

_is_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}").fullmatch
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
_FEWEST_CHARACTERS = 5


class Role(StrEnum):
    """What a person may. ``operator``: what people do about the fleet every day."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


SCOPE_OF_ROLE: Mapping[Role, Scope] = {
    Role.VIEWER: Scope.READ,
    Role.OPERATOR: Scope.OPERATE,
    Role.ADMIN: Scope.ADMIN,
}


def roles_of(text: str) -> dict[str, Role]:
    """What each value of a claim stands for, as a setting says it: ``fleet-admins=admin,drivers=viewer``.

    Raises:
        ValueError: it says something else.
    """
    roles = {}
    for each in text.split(","):
        value, _, role = (part.strip() for part in each.rpartition("="))
        if not value or role not in set(Role):
            raise ValueError(f"write values and roles ({', '.join(Role)}), e.g. fleet-admins=admin,drivers=viewer")
        roles[value] = Role(role)
    return roles


def highest_role(values: Iterable[str], roles: Mapping[str, Role]) -> Role | None:
    """The one of these values' roles that may most; ``None``: they stand for none."""
    found = {roles[value] for value in values if value in roles}
    return next((role for role in reversed(Role) if role in found), None)


def is_user_name(text: str) -> bool:
    """Whether a user may be called so: ASCII, so that there is one way to compare names without regard to case.

    Nobody is called like what runs by itself, beside whose acts theirs stand.
    """
    return _is_name(text) is not None and text.lower() != PIPELINE


def normal_password(password: str) -> str:
    """The same characters however a keyboard composed them (NFKC, as NIST SP 800-63B has it)."""
    return unicodedata.normalize("NFKC", password)


def require_good_password(password: str, name: str) -> None:
    """See that a password may become the one of this user.

    Raises:
        InvalidRequestError: it says which rule is broken, and nothing of the password.
    """
    found = normal_password(password)
    if not SHORTEST_PASSWORD <= len(found) <= LONGEST_PASSWORD:
        raise InvalidRequestError(
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; four words that have nothing to do "
            "with each other make a good one"
        )
    if any(unicodedata.category(each) == "Cc" for each in found):
        raise InvalidRequestError("a password has no control characters: what is typed at the page cannot have them")
    if len(set(found)) < _FEWEST_CHARACTERS or name.lower() in found.lower():
        raise InvalidRequestError("this password is too easy to guess: few characters again and again, or the name")
