"""Where a server of ours may listen, of whom it asks a token there, and the sockets that it listens on."""

import errno
import socket
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address

from warehouse.contract.errors import FleetwattError

Address = IPv4Address | IPv6Address


class Auth(StrEnum):
    """Whether the API asks for a token."""

    AUTO = "auto"
    """Beyond loopback."""
    REQUIRED = "required"
    OFF = "off"


OPEN = "open to everybody"
"""Behind the name of a database connection whose server listens beyond loopback: ``fleetwatt status`` looks for it."""

_EVERYWHERE = IPv6Address("::")
_NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""A machine without IPv6 has no ``::1``, though ``localhost`` stands for it too."""


class ListeningError(FleetwattError):
    """It may not listen there"""

    code = "not_loopback"


def addresses_of(host: str) -> list[Address]:
    """The addresses that this name or address stands for; one of IPv4 that is written as IPv6 is one of IPv4.

    Raises:
        ListeningError: it stands for none.
    """
    try:
        found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ListeningError(f"{host} is no address of this machine, and no name of one ({error})") from error
    addresses = [ip_address(address[0]) for *_, address in found]
    return list(dict.fromkeys(getattr(each, "ipv4_mapped", None) or each for each in addresses))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it there. A name is resolved: all that it stands for has to be."""
    return all(address.is_loopback for address in addresses_of(host))


def asks_for_tokens(auth: Auth, host: str) -> bool:
    """Whether an API that listens there asks everybody for a token.

    Raises:
        ListeningError: the host stands for no address.
    """
    return auth is Auth.REQUIRED or (auth is Auth.AUTO and not is_loopback(host))


def warning(what: str, host: str, *, asks: bool = False) -> str | None:
    """What is to be said at each start of a server that listens there; ``None`` on loopback, or where it asks."""
    if asks or is_loopback(host):
        return None
    return (
        f"WARNING: {what} listens on {host} and asks nobody who they are (FLEET_AUTH=off): whoever reaches it can read "
        "everything, and send readings or start runs"
    )


def bound_sockets(host: str, port: int) -> list[socket.socket]:
    """Bind them. ``::`` is every address of either kind, by two sockets, so that a client's IPv4 address reads as one.

    Raises:
        ListeningError: one of them is taken, or not ours to take.
    """
    addresses = [str(each) for each in addresses_of(host)]
    if addresses == [str(_EVERYWHERE)]:
        addresses.append("0.0.0.0")  # noqa: S104 - asked for in words
    bound: list[socket.socket] = []
    failed: dict[str, OSError] = {}
    for address in addresses:
        try:
            bound.append(_bound(address, port))
        except OSError as error:
            failed[address] = error
    for address, why in failed.items():
        if not bound or why.errno not in _NOT_HERE:
            for each in bound:
                each.close()
            raise ListeningError(f"{address}, port {port}: {why.strerror}") from why
    return bound


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With the protocol named: only then does asyncio send at once (TCP_NODELAY), and not 40 ms later.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind((address, port))
    except OSError:
        found.close()
        raise
    return found
