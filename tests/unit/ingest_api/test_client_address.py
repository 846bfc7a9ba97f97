"""Who a client is: its address, its IPv6 network, or what a proxy says that is believed."""

import tracemalloc
from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from ingest_api.http.client_address import ClientAddresses
from ingest_api.settings import ApiSettings

DIRECT = ClientAddresses()
BEHIND_PROXIES = ClientAddresses([ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("::1")])


def client(clients: ClientAddresses, peer: str, *forwarded_for: str) -> str:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded_for]
    return clients.client_of({"type": "http", "client": (peer, 50_000), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a socket's path", ""),
    ],
)
def test_an_address_or_a_network_of_64_bits_is_one_client(peer: str, expected: str) -> None:
    assert client(DIRECT, peer) == expected


def test_a_connection_without_addresses_is_one_client() -> None:
    assert DIRECT.client_of({"type": "http", "client": None, "headers": []}) == ""
    assert DIRECT.client_of({"type": "http", "headers": []}) == ""


@pytest.mark.parametrize("forwarded_for", ["198.51.100.1", "1.2.3.4, 198.51.100.1", "", "unknown"])
def test_nobody_is_believed_who_is_not_named(forwarded_for: str) -> None:
    assert client(DIRECT, "127.0.0.1", forwarded_for) == "127.0.0.1"
    assert client(BEHIND_PROXIES, "192.0.2.7", forwarded_for) == "192.0.2.7"


@pytest.mark.parametrize(
    ("forwarded_for", "expected"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        (["198.51.100.1:4711"], "198.51.100.1"),
        (["[2001:db8::1]:4711"], "2001:db8::/64"),
        (["2001:db8::1"], "2001:db8::/64"),
        (["1.2.3.4, 198.51.100.1"], "198.51.100.1"),  # the client itself sent 1.2.3.4
        (["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
        (["198.51.100.1, 10.1.2.3, fd00::1"], "198.51.100.1"),  # through several proxies
        (["198.51.100.1 ,10.1.2.3:80"], "198.51.100.1"),
        (["10.1.2.3"], "10.1.2.3"),  # a client within the proxies' network
        (["198.51.100.1, nonsense"], "10.0.0.1"),
        (["198.51.100.1, nonsense, 10.1.2.3"], "10.1.2.3"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
        (["x" * 60_000], "10.0.0.1"),
        (["198.51.100.1," + "10.0.0.9," * 5000 + "10.0.0.8"], "10.0.0.9"),
    ],
)
def test_a_proxy_that_is_named_is_believed(forwarded_for: list[str], expected: str) -> None:
    assert client(BEHIND_PROXIES, "10.0.0.1", *forwarded_for) == expected
    assert client(BEHIND_PROXIES, "::ffff:10.0.0.1", *forwarded_for) == expected


@pytest.mark.parametrize(
    ("forwarded_for", "expected"),
    [
        ("fe80::1%\x1b[2J", "fe80::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%" + "x" * 60_000, "10.0.0.1"),
    ],
)
def test_of_what_is_forwarded_the_address_alone_is_kept(forwarded_for: str, expected: str) -> None:
    headers = [(b"x-forwarded-for", forwarded_for.encode())]
    scope = {"type": "http", "client": ("10.0.0.1", 50_000), "headers": headers}
    assert BEHIND_PROXIES.address_of(scope) == expected


def test_long_addresses_are_not_remembered() -> None:
    tracemalloc.start()
    try:
        for number in range(500):
            client(BEHIND_PROXIES, "10.0.0.1", f"fe80::1%{number:060000}")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1_000_000


def test_proxies_are_named_by_address_or_network() -> None:
    settings = ApiSettings(_env_file=None, trusted_proxies="10.0.0.7, fd00::/8,")
    assert settings.trusted_networks == (ip_network("10.0.0.7/32"), ip_network("fd00::/8"))
    assert ApiSettings(_env_file=None).trusted_networks == ()


@pytest.mark.parametrize("value", ["proxy.internal", "10.0.0.1/8", "*", "10.0.0.1;10.0.0.2"])
def test_what_is_no_address_is_refused_with_an_example(value: str) -> None:
    with pytest.raises(ValidationError, match=r"e.g. 10.0.0.7,fd00::/8"):
        ApiSettings(_env_file=None, trusted_proxies=value)


def test_they_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_TRUSTED_PROXIES", "10.0.0.7,192.168.0.0/16")
    assert len(ApiSettings(_env_file=None).trusted_networks) == 2
