"""Where a server that asks nobody who they are may listen."""

import socket

import pytest

from tests.ports import free_port
from warehouse.listening import (
    Auth,
    ListeningError,
    asks_for_tokens,
    bound_sockets,
    is_loopback,
    warning,
)

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - what is tried
LOOPBACK = [
    "127.0.0.1",
    "127.1.2.3",
    "127.1",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "localhost",
]
BEYOND = [
    EVERY_ADDRESS,
    "::",
    "0",
    "",
    "192.0.2.7",
    "10.1.2.3",
    "169.254.1.1",
    "::ffff:0.0.0.0",
    "::ffff:192.0.2.7",
    "fe80::1",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_this_machine_alone_is_allowed(host: str) -> None:
    assert is_loopback(host)
    for auth in Auth:
        assert asks_for_tokens(auth, host) == (auth is Auth.REQUIRED)
    assert warning("the API", host) is None


@pytest.mark.parametrize("host", BEYOND)
def test_beyond_it_has_to_be_said(host: str) -> None:
    assert not is_loopback(host)
    for auth in (Auth.AUTO, Auth.REQUIRED):
        assert asks_for_tokens(auth, host)
    assert not asks_for_tokens(Auth.OFF, host)
    assert "asks nobody who they are" in (warning("the API", host) or "")
    assert warning("the API", host, asks=True) is None


def test_a_name_is_what_it_resolves_to(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.1", "192.0.2.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert not is_loopback("looks-local")
    found.pop()
    assert is_loopback("looks-local")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "[::1]", "1.2.3.4.5", "ü" * 80, "a b"])
def test_what_is_no_address_is_told_in_a_sentence(host: str) -> None:
    with pytest.raises(ListeningError, match="is no address of this machine"):
        is_loopback(host)


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_every_address_is_those_of_both_kinds() -> None:
    sockets = bound_sockets("::", port := free_port())
    assert {each.getsockname()[:2] for each in sockets} == {("::", port), (EVERY_ADDRESS, port)}
    for each in sockets:
        each.listen()
    for address in ("127.0.0.1", "::1"):
        with socket.create_connection((address, port), timeout=5) as client:
            assert client.getpeername()[0] == address, "an IPv4 address stays one"
    for each in sockets:
        each.close()


def test_an_address_of_ipv4_may_be_written_as_one_of_ipv6() -> None:
    (found,) = bound_sockets("::ffff:127.0.0.1", free_port())
    with found:
        assert found.family == socket.AF_INET


def test_a_port_that_is_taken_is_named_and_nothing_stays_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken_port = taken.getsockname()[1]
        with pytest.raises(ListeningError, match=rf"127\.0\.0\.1, port {taken_port}: Address already in use"):
            bound_sockets("localhost", taken_port)
    for each in bound_sockets("localhost", taken_port):
        each.close()
