"""What counts as a page of ours, and which cookie as a session's."""

import pytest

from ingest_api.auth.own_pages import csrf_header_of, require_csrf_token, require_own_origin
from ingest_api.auth.session_cookie import NAME, NAME_BY_TLS, clearing, session_id_of, setting
from ingest_api.http.client_address import ClientAddresses, networks_of
from warehouse.contract.errors import ForeignPageError
from warehouse.contract.sign_ins import csrf_token, new_session_id

SESSION = new_session_id()
Headers = list[tuple[bytes, bytes]]


def is_own(headers: Headers, *, is_encrypted: bool) -> bool:
    try:
        require_own_origin({"headers": headers}, is_encrypted=is_encrypted)
    except ForeignPageError:
        return False
    return True


@pytest.mark.parametrize(
    ("origin", "host", "plain", "encrypted"),
    [
        ("https://fleet.example", "fleet.example", True, True),
        ("https://fleet.example", "FLEET.example:443", True, True),
        ("https://fleet.example:8443", "fleet.example:8443", True, True),
        ("http://fleet.example", "fleet.example", True, False),
        ("http://127.0.0.1:3000", "127.0.0.1:3000", True, False),
        ("http://[::1]:3000", "[::1]:3000", True, False),
        ("https://evil.example", "fleet.example", False, False),
        ("https://fleet.example.evil.example", "fleet.example", False, False),
        ("https://evilfleet.example", "fleet.example", False, False),
        ("https://fleet.example:8443", "fleet.example", False, False),
        ("https://fleet.example@evil.example", "fleet.example", False, False),
        ("https://fleet.example/", "fleet.example/x", False, False),
        ("null", "fleet.example", False, False),
        ("", "fleet.example", False, False),
        ("file://", "fleet.example", False, False),
        ("ftp://fleet.example", "fleet.example", False, False),
        ("https://fleet.example", "", False, False),
        ("https://fleet.example", "fleet.example@evil.example", False, False),
        ("https://fleet.example, https://evil.example", "fleet.example", False, False),
    ],
)
def test_a_page_is_ours_by_its_origin(origin: str, host: str, plain: bool, encrypted: bool) -> None:
    headers = [(b"origin", origin.encode()), (b"host", host.encode())]
    assert (is_own(headers, is_encrypted=False), is_own(headers, is_encrypted=True)) == (plain, encrypted)
    for more in ((b"origin", b"https://evil.example"), (b"host", b"evil.example")):
        assert not is_own([*headers, more], is_encrypted=False)
        assert not is_own([more, *headers], is_encrypted=False)
    assert not is_own(headers[1:], is_encrypted=False)


def test_a_token_is_of_one_session_and_in_one_header() -> None:
    expected = csrf_token(SESSION)
    require_csrf_token(expected, csrf_token(SESSION))
    for given in ("", expected[:-1], expected.upper(), f"{expected} ", csrf_token(new_session_id()), SESSION, "ü"):
        with pytest.raises(ForeignPageError) as refused:
            require_csrf_token(given, expected)
        assert expected not in refused.value.detail
    line = (b"x-csrf-token", expected.encode())
    assert csrf_header_of({"headers": [line]}) == expected
    assert csrf_header_of({"headers": []}) == csrf_header_of({"headers": [line, line]}) == ""


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_a_cookie_is_read_under_its_own_name_alone(is_encrypted: bool) -> None:
    name, other = (NAME_BY_TLS, NAME) if is_encrypted else (NAME, NAME_BY_TLS)

    def read(*lines: str) -> str | None:
        headers = [(b"cookie", line.encode("latin-1")) for line in lines]
        return session_id_of(headers, is_encrypted=is_encrypted)

    assert read(f"{name}={SESSION}") == SESSION
    assert read(f"a=b; {name}={SESSION} ;c=d; {other}={new_session_id()}") == SESSION
    assert read("a=b", f"{name}={SESSION}") == SESSION
    stranger = new_session_id()
    for wrong in (
        *("", "=", name, f"{name}=", f"{other}={SESSION}", f"{name.upper()}={SESSION}", f"x{name}={SESSION}"),
        *(
            f'{name}="{SESSION}"',
            f"{name}={SESSION}x",
            f"{name}={SESSION[:-1]}",
            f"{name} ={SESSION}",
            f"{name}\xa0={SESSION}",
        ),
        *(f"{name}={SESSION}, a=b", f"a={name}={SESSION}", f"{name}=flt_{SESSION[4:]}", f"{name}={SESSION}\x00"),
        *(f"{name}={SESSION}; {name}={stranger}", f"{name}={stranger}; {name}={SESSION}", f"{name}={SESSION}; {name}="),
    ):
        assert read(wrong) is None, wrong
    assert read(f"{name}={SESSION}", f"{name}={SESSION}") is None


def test_a_cookie_is_for_no_script_and_no_other_site() -> None:
    assert setting(SESSION, is_encrypted=False) == f"fleetwatt={SESSION}; Path=/; HttpOnly; SameSite=Lax"
    by_tls = setting(SESSION, is_encrypted=True)
    assert by_tls == f"__Host-fleetwatt={SESSION}; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert clearing(is_encrypted=True) == "__Host-fleetwatt=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"


@pytest.mark.parametrize(
    ("peer", "said", "is_encrypted"),
    [
        ("10.0.0.7", [b"https"], True),
        ("10.0.0.7", [b"HTTPS "], True),
        ("10.0.0.7", [b"http, https"], True),
        ("10.0.0.7", [b"https, http"], False),
        ("10.0.0.7", [b"https", b"http"], False),
        ("10.0.0.7", [b"http"], False),
        ("10.0.0.7", [], False),
        ("10.0.0.8", [b"https"], False),
        ("127.0.0.1", [b"https"], False),
    ],
)
def test_only_a_named_proxy_says_that_tls_is_spoken(peer: str, said: list[bytes], is_encrypted: bool) -> None:
    headers = [(b"x-forwarded-proto", each) for each in said]
    scope = {"scheme": "http", "client": (peer, 1), "headers": headers}
    assert ClientAddresses(networks_of("10.0.0.7")).is_encrypted(scope) == is_encrypted
    assert not ClientAddresses().is_encrypted(scope)
    assert ClientAddresses().is_encrypted({**scope, "scheme": "https"})
