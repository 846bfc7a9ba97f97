"""Which role the values of a claim stand for."""

import pytest

from warehouse.contract.users import Role, highest_role, roles_of

ROLES = {"a": Role.ADMIN, "o": Role.OPERATOR, "v": Role.VIEWER, "x=y": Role.VIEWER}


def test_a_setting_says_it_by_commas() -> None:
    assert roles_of(" a=admin, o = operator,v=viewer,x=y=viewer") == ROLES


@pytest.mark.parametrize("text", ["", "admin", "a=", "=admin", "a=root", "a=admin,", "a=Admin"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="fleet-admins=admin"):
        roles_of(text)


@pytest.mark.parametrize(
    ("values", "role"),
    [(["v", "a", "o"], Role.ADMIN), (["o", "v"], Role.OPERATOR), (["v"], Role.VIEWER), (["A", "z"], None), ([], None)],
)
def test_the_role_that_may_most_counts(values: list[str], role: Role | None) -> None:
    assert highest_role(values, ROLES) == role
