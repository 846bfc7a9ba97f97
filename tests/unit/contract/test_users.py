"""Which names and passwords people may have, and what is kept of a session."""

import pytest

from warehouse.contract.errors import InvalidRequestError
from warehouse.contract.sign_ins import account_digest, csrf_token, is_session_id, new_session_id, session_digest
from warehouse.contract.users import LONGEST_PASSWORD, SHORTEST_PASSWORD, is_user_name, require_good_password


@pytest.mark.parametrize("name", ["maria", "M", "7", "maria.lopez+fleet@depot-7.example", "a" * 64])
def test_a_name(name: str) -> None:
    assert is_user_name(name)


@pytest.mark.parametrize(
    "name",
    ["", " maria", "maria ", "a" * 65, ".maria", "ma ria", "müller", "a\n", "a\x00", "a;b", "pipeline", "Pipeline"],
)
def test_no_name(name: str) -> None:
    assert not is_user_name(name)


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "x1!" * 3 + "abcd", "päßwörter sind schön", "x" * 12 + "abcde", "abcde" * 51],
)
def test_a_password(password: str) -> None:
    require_good_password(password, "maria")


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", "12 to 256 characters"),
        ("abcdefghijk", "12 to 256 characters"),
        ("abcde" * 52, "12 to 256 characters"),
        ("aaaaaaaaaaaaaaaaaaaa", "too easy"),
        ("abcdabcdabcdabcd", "too easy"),
        ("MARIA-and-her-car", "too easy"),
        ("a tab\tin the middle", "control characters"),
        ("a line\nand another", "control characters"),
    ],
)
def test_no_password(password: str, says: str) -> None:
    with pytest.raises(InvalidRequestError, match=says) as refused:
        require_good_password(password, "maria")
    assert not password or password not in refused.value.detail


def test_the_length_counts_characters_as_a_person_sees_them() -> None:
    composed, apart = "é" * SHORTEST_PASSWORD, "e\u0301" * (SHORTEST_PASSWORD - 1)
    for password in (composed, apart):
        with pytest.raises(InvalidRequestError):
            require_good_password(password, "maria")
    with pytest.raises(InvalidRequestError, match=str(LONGEST_PASSWORD)):
        require_good_password("ﬃ" * 90, "maria")  # three letters each


def test_a_session_is_known_by_its_shape_and_kept_as_a_digest() -> None:
    session = new_session_id()
    assert is_session_id(session)
    assert new_session_id() != session
    assert not [
        each for each in ("", session[:-1], f"{session}x", f" {session}", session.upper()) if is_session_id(each)
    ]
    assert len(session_digest(session)) == 32
    assert session not in csrf_token(session)
    assert csrf_token(session) != session_digest(session).hex()
    assert csrf_token(session) == csrf_token(session) != csrf_token(new_session_id())


def test_an_account_is_counted_in_whatever_case() -> None:
    assert account_digest("Maria ") == account_digest("maria") != account_digest("mario")
