"""WebSocket to Dagster: its bytes both ways, for as long as who opened it may.

What is said in it nobody reads here. Dagster's pages hear by it of a run's events; without it they ask again and again.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpcore
from starlette.types import Scope

from ingest_api.auth.gate import Gate
from ingest_api.dagster_proxy.forwarded import head_of_web_socket
from ingest_api.http.tunnel import Begin, Tunnel
from warehouse.contract.errors import FleetwattError, InvalidRequestError

LOOK_EVERY_S = 3.0
"""Whether who opened it may still be here: whoever is revoked is out within five seconds."""
_PIECE_BYTES = 64 * 1024


async def shuttle(begin: Begin, accepted: httpcore.Response, gate: Gate, scope: Scope) -> None:
    """Begin it with Dagster's own words; returns once an end closes it, or nobody may have it any more.

    Raises:
        InvalidRequestError: more than its request has come; nobody would know whom that is for.
    """
    tunnel = begin(head_of_web_socket(accepted.headers))
    if tunnel is None:
        raise InvalidRequestError("send nothing behind the request for a WebSocket before it is answered")
    stream: httpcore.AsyncNetworkStream = accepted.extensions["network_stream"]
    try:
        await _first_of(_to_dagster(tunnel, stream), _from_dagster(stream, tunnel), _until_it_may_not(gate, scope))
    finally:
        tunnel.close()


async def _to_dagster(tunnel: Tunnel, stream: httpcore.AsyncNetworkStream) -> None:
    while data := await tunnel.read():
        await stream.write(data)


async def _from_dagster(stream: httpcore.AsyncNetworkStream, tunnel: Tunnel) -> None:
    while data := await stream.read(_PIECE_BYTES):
        await tunnel.write(data)


async def _until_it_may_not(gate: Gate, scope: Scope) -> None:
    try:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await gate.require_still(scope)
    except FleetwattError:
        return


async def _first_of(*ways: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # how an end broke off says nothing to the other one
