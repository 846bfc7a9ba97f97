"""Single POSTs with one token, with one of each device, and without auth; and the memory that tokens take."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from http.client import HTTPConnection

from tests.benchmarks.bulk import introduce
from tests.benchmarks.figures import Figure, interleaved
from tests.benchmarks.fleet import Fleet, device_of, external_id, post
from tests.benchmarks.single import Contender
from tests.benchmarks.stand import Server, Stand, stored_readings
from warehouse.contract.tables import DeviceKind
from warehouse.contract.tokens import NewToken, Scope
from warehouse.listening import Auth
from warehouse.postgres.access.token_store import TokenRequest, create_token, create_tokens
from warehouse.postgres.connection import connect

KNOWN_WITHIN_S = 60.0
OF_THE_FLEET = TokenRequest("the fleet", [Scope.INGEST])
ADD_MANY = """
    INSERT INTO tokens (token_id, secret_sha256, name, scopes, devices, expires_at)
    SELECT
        't' || lpad(n::text, 7, '0'), sha256(n::text::bytea), 'meter ' || n, ARRAY['ingest'],
        ARRAY['meter-' || lpad(n::text, 6, '0')], clock_timestamp() + make_interval(days => 90, secs => n)
    FROM generate_series(1, %s) AS n"""
Requests = Callable[[int], list[bytes]]


def measure(stand: Stand) -> None:
    """Tell what tokens cost, in readings a second and in memory."""
    with ExitStack() as stack:
        urls = [stack.enter_context(stand.database()) for _ in range(3)]
        contenders = [
            _contender(stand, stack, url, tokens) for url, tokens in zip(urls, ("open", "one", "each"), strict=True)
        ]
        for connections in (64, 512):
            rounds = [each.rounds(connections, []) for each in contenders]
            without, *others = interleaved(stand.scale.rounds, *rounds)
            for contender, value in zip(contenders[1:], others, strict=True):
                name = f"tokens_{connections}_{contender.name}_vs_open"
                stand.report.add(Figure(name, value, "readings/s", without))
        for contender, url in zip(contenders, urls, strict=True):
            if (stored := stored_readings(url)) < contender.acknowledged:
                raise RuntimeError(f"{contender.name}: {contender.acknowledged} acknowledged, {stored} stored")
    few, many = (_resident_mb(stand, tokens) for tokens in (0, stand.scale.remembered_tokens))
    stand.report.add(Figure("tokens_memory", many - few, "MB"))


def _contender(stand: Stand, stack: ExitStack, url: str, tokens: str) -> Contender:
    """``tokens``: ``open``: nobody is asked for one; ``one`` for all devices; ``each`` has its own."""
    fleet, token = stand.fleet(), None
    requests: Requests = fleet.requests
    if tokens != "open":
        with connect(url) as connection:
            token = create_token(connection, OF_THE_FLEET)
            if tokens == "each":
                devices = [external_id(kind, n + 1) for kind in DeviceKind for n in range(stand.scale.devices)]
                made = create_tokens(connection, (TokenRequest(each, [Scope.INGEST], [each]) for each in devices))
                requests = _with_tokens(fleet, dict(zip(devices, made, strict=True)))
            else:
                requests = _with_one(fleet, token)
    server = stack.enter_context(stand.product(url, auth=Auth.OFF if token is None else Auth.REQUIRED))
    introduce(server, fleet, stand, token)
    return Contender(tokens, server, requests, stand)


def _with_one(fleet: Fleet, token: NewToken) -> Requests:
    return lambda count: [post(reading, token) for reading in fleet.readings(count)]


def _with_tokens(fleet: Fleet, tokens: Mapping[str, NewToken]) -> Requests:
    return lambda count: [post(reading, tokens[device_of(reading)]) for reading in fleet.readings(count)]


def _resident_mb(stand: Stand, tokens: int) -> float:
    """Of a worker that knows so many tokens, each of a device and with an end, and one more."""
    with stand.database() as url, connect(url) as connection:
        connection.execute(ADD_MANY, [tokens])
        last = create_token(connection, OF_THE_FLEET)
        with stand.product(url, auth=Auth.REQUIRED) as server:
            _wait_until_known(server, last)
            return server.resident_bytes() / 1e6


def _wait_until_known(server: Server, token: NewToken) -> None:
    """Changes are read in order, so that whoever knows the last token knows all."""
    deadline = time.monotonic() + KNOWN_WITHIN_S
    while time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=KNOWN_WITHIN_S)
        try:
            connection.request("GET", "/nowhere", headers={"Authorization": f"Bearer {token}"})
            if connection.getresponse().status == 404:
                return
        finally:
            connection.close()
        time.sleep(0.05)
    raise RuntimeError(f"the API does not know its tokens after {KNOWN_WITHIN_S:g} s")
