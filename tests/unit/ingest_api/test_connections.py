"""Who makes room for whom where not all connections have room."""

import logging
from ipaddress import ip_network

import pytest

from ingest_api.http.client_address import ClientAddresses
from ingest_api.server.connections import LOG_EVERY_S, SPARE, Admission, Connections


class Peer:
    """A connection in a state that is set by hand."""

    def __init__(self, *, has_brought: bool = False, can_go: bool = True) -> None:
        self.has_brought = has_brought
        self.can_go = can_go
        self.is_given_up = False

    def has_brought_a_request(self) -> bool:
        return self.has_brought

    def can_be_given_up(self) -> bool:
        return self.can_go

    def give_up(self) -> None:
        self.is_given_up = True


def admitted(connections: Connections, host: str, number: int = 1, *, has_brought: bool, can_go: bool) -> list[Peer]:
    peers = [Peer(has_brought=has_brought, can_go=can_go) for _ in range(number)]
    for peer in peers:
        assert connections.admit(peer, host) is Admission.ADMITTED
    return peers


def half_open(connections: Connections, host: str, number: int = 1) -> list[Peer]:
    return admitted(connections, host, number, has_brought=False, can_go=True)


def idle(connections: Connections, host: str, number: int = 1) -> list[Peer]:
    return admitted(connections, host, number, has_brought=True, can_go=True)


def busy(connections: Connections, host: str, number: int = 1) -> list[Peer]:
    return admitted(connections, host, number, has_brought=True, can_go=False)


def given_up(peers: list[Peer]) -> list[bool]:
    return [peer.is_given_up for peer in peers]


def test_the_oldest_that_brought_nothing_goes_first_then_the_oldest_that_is_idle() -> None:
    connections = Connections(8)
    working = busy(connections, "10.1.0.1")
    resting = idle(connections, "10.1.0.1")
    opened = half_open(connections, "10.1.0.1", 2)
    newcomers = busy(connections, "10.1.0.1", 2)
    assert given_up(opened) == [True, True]
    assert given_up(resting) == [False]
    newcomers += busy(connections, "10.1.0.1")
    assert given_up(resting) == [True]
    assert given_up(working + newcomers) == [False] * 4


def test_one_client_has_half_of_it_or_what_is_set() -> None:
    for connections, share in ((Connections(10), 5), (Connections(10, 3), 3)):
        mine = half_open(connections, "10.1.0.1", share)
        half_open(connections, "10.1.0.1")
        assert given_up(mine) == [True] + [False] * (share - 1)


def test_where_all_is_full_the_client_that_has_most_makes_room() -> None:
    connections = Connections(10, 8)
    many, few = half_open(connections, "10.1.0.1", 7), half_open(connections, "10.1.0.2", 3)
    half_open(connections, "10.1.0.3", 4)
    assert given_up(many).count(True) == 4
    assert given_up(few) == [False] * 3


def test_addresses_of_one_network_are_one_client() -> None:
    connections = Connections(4)
    first = half_open(connections, "2001:db8::1")
    half_open(connections, "2001:db8::2")
    half_open(connections, "2001:db8::3")
    assert given_up(first) == [True]


def test_a_proxy_that_is_trusted_may_have_all_of_it() -> None:
    connections = Connections(10, clients=ClientAddresses([ip_network("10.0.0.1")]))
    assert given_up(half_open(connections, "10.0.0.1", 10)) == [False] * 10


def test_where_nobody_can_go_a_newcomer_may_ask_whether_we_live() -> None:
    connections = Connections(4)
    busy(connections, "10.1.0.1", 2)
    asking = [Peer() for _ in range(SPARE)]
    assert [connections.admit(peer, "10.1.0.1") for peer in asking] == [Admission.FOR_PROBES] * SPARE
    assert connections.admit(Peer(), "10.1.0.1") is Admission.FOR_PROBES
    assert given_up(asking) == [True] + [False] * (SPARE - 1)
    for peer in asking:
        peer.can_go = False
    for _ in range(2):
        connections.admit(Peer(can_go=False), "10.1.0.1")
    assert connections.admit(Peer(), "10.1.0.1") is Admission.REFUSED
    assert connections.admit(Peer(), "10.1.0.2") is Admission.ADMITTED


def test_who_leaves_makes_room_and_nothing_is_remembered_of_it() -> None:
    connections = Connections(4)
    for _ in range(100):
        peers = busy(connections, "10.1.0.1", 2)
        asking = Peer()
        assert connections.admit(asking, "10.1.0.1") is Admission.FOR_PROBES
        for peer in [*peers, asking]:
            connections.leave(peer, "10.1.0.1")
    for number in range(100):
        half_open(connections, f"10.0.0.{number}")  # each makes room for the next, and leaves only then
    assert connections._open == 4
    assert connections._for_probes == {}


def test_idle_connections_among_busy_ones_are_found() -> None:
    connections = Connections(2000)
    others = busy(connections, "10.1.0.1", 1000)
    others[700].can_go = True
    found = [connections.admit(Peer(), "10.1.0.1") is Admission.ADMITTED for _ in range(40)]
    assert found.count(True) >= 1
    assert others[700].is_given_up


def test_an_attack_is_a_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    connections = Connections(4, clock=lambda: now[0])
    with caplog.at_level(logging.WARNING):
        half_open(connections, "10.1.0.1", 1000)
        assert len(caplog.records) == 1
        now[0] += LOG_EVERY_S
        half_open(connections, "10.1.0.1")
    assert len(caplog.records) == 2
    assert "998 were closed for others" in caplog.records[1].getMessage()
