"""Who sends a request, told by the address that it comes from: what limits are counted by.

What a client writes into its headers cannot change that. A proxy's word is taken only where the proxy is named, and an
IPv6 network counts as one client: a single customer has 2^64 addresses.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_FORWARDED_FOR = b"x-forwarded-for"
_FORWARDED_PROTO = b"x-forwarded-proto"
_MOST_HOPS = 16
_CLIENT_BITS = 64
_LONGEST = 64
"""Characters. An address has 45 at most, and the name of an interface behind it 15."""
_PORT_BEHIND_IPV4 = 1  # colons


class ClientAddresses:
    """Knows which proxies to believe."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)

    def client_of(self, scope: Scope) -> str:
        """The client's address or network; empty where a connection has none, as that of a local socket."""
        return client_at(self.address_of(scope))

    def address_of(self, scope: Scope) -> str:
        """The address itself, by which it can be found again."""
        peer = peer_of(scope.get("client"))
        return self._farthest(scope, peer) if self._trusted and self.is_trusted(peer) else peer

    def is_encrypted(self, scope: Scope) -> bool:
        """Whether the client's end is known to speak TLS: here, or with a proxy that is believed and says so."""
        if scope.get("scheme") == "https":
            return True
        said = [value for name, value in scope["headers"] if name == _FORWARDED_PROTO]
        nearest = b",".join(said).rpartition(b",")[2].strip().lower()
        return nearest == b"https" and self.is_trusted(peer_of(scope.get("client")))

    def is_trusted(self, host: str) -> bool:
        """Whether this is the address of a proxy that tells the truth."""
        address = _address(host)
        return address is not None and any(address in network for network in self._trusted)

    def _farthest(self, scope: Scope, peer: str) -> str:
        """The nearest address that is no trusted proxy's; what comes before it, its sender may have made up."""
        values = [value.decode("latin-1") for name, value in scope["headers"] if name == _FORWARDED_FOR]
        for hop in reversed(",".join(values).rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]):
            address = _address(_without_port(hop.strip()))
            if address is None:
                break
            peer = str(address)  # without what may follow a "%", which would be kept as it was sent
            if not self.is_trusted(peer):
                break
        return peer


def networks_of(text: str) -> tuple[Network, ...]:
    """Addresses and networks as a setting names them, by commas.

    Raises:
        ValueError: one of them is none.
    """
    try:
        return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise ValueError(f"{error}; write addresses or networks, e.g. 10.0.0.7,fd00::/8") from None


def peer_of(client: object) -> str:
    """The host of a connection's other end as servers give it; empty where it has none."""
    return str(client[0]) if isinstance(client, tuple | list) and client else ""


def client_at(host: str) -> str:
    """What an address counts as."""
    return _client_at(host) if len(host) <= _LONGEST else ""


@lru_cache(4096)
def _client_at(host: str) -> str:
    address = _address(host)
    if address is None:
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), _CLIENT_BITS), strict=False))


def _address(host: str) -> Address | None:
    return _read(host) if len(host) <= _LONGEST else None


@lru_cache(4096)
def _read(host: str) -> Address | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address  # how a socket for both families sees IPv4


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == _PORT_BEHIND_IPV4 else hop
