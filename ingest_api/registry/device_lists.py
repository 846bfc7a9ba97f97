"""Lists of devices: which of them, in which order, page by page. The plain list goes by the key of its ids."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from psycopg.sql import SQL, Composable, Composed, Identifier

from ingest_api.database import Connection, Row, fetch_all
from warehouse import sqlfiles
from warehouse.contract.errors import InvalidRequestError
from warehouse.contract.tables import DeviceKind

CHARGING = "charging"
BY_ID = "id"
_OF_ALL = {
    BY_ID: SQL("device.external_id"),
    "name": SQL('lower(device.display_name) COLLATE "C"'),
    "model": SQL('lower(device.model) COLLATE "C"'),
    "site": SQL('lower(device.site) COLLATE "C"'),
    "lastSeen": SQL("extract(EPOCH FROM latest.ts)::float8"),
    "power": SQL("CASE WHEN now.reporting = 'online' THEN now.power_kw END"),
}
SORTS: Mapping[DeviceKind, Mapping[str, SQL]] = {
    DeviceKind.METER: _OF_ALL,
    DeviceKind.VEHICLE: {**_OF_ALL, "soc": SQL("latest.soc_percent::float8")},
}
"""By which a list can be sorted, and the expression of it; a minus before the name turns it round."""
_TEXTS = frozenset({BY_ID, "name", "model", "site"})
_NOT_OURS = "the cursor is none that an answer in this order gave; begin again without one"


class Asked(NamedTuple):
    """Which devices, and in which order; ``None`` or empty asks for all. ``search`` is a part of an id or a name."""

    statuses: Sequence[str] = ()
    search: str | None = None
    model: str | None = None
    site: str | None = None
    tag: str | None = None
    sort: str = BY_ID
    limit: int = 100
    cursor: str = ""


class Question(NamedTuple):
    """A statement, and its parameters."""

    statement: Composed
    parameters: dict[str, Any]


async def list_devices(connection: Connection, kind: DeviceKind, asked: Asked) -> tuple[list[Row], str | None]:
    """So many devices behind the cursor, and the next cursor.

    Raises:
        InvalidRequestError: the cursor is of another order.
    """
    rows = await fetch_all(connection, *list_question(kind, asked, datetime.now(UTC)))
    if len(rows) <= asked.limit:
        return rows, None
    last = rows[asked.limit - 1]
    return rows[: asked.limit], _cursor(asked.sort, last["sort_key"], last["external_id"])


def find_question(kind: DeviceKind, external_id: str, now: datetime) -> Question:
    """Asks for one device."""
    _, everybody = list_question(kind, Asked(limit=0), now)
    return _question(
        kind, SQL("device.external_id = %(external_id)s"), BY_ID, {**everybody, "external_id": external_id}
    )


def changed_question(kind: DeviceKind, external_ids: Sequence[str], since: datetime | None, now: datetime) -> Question:
    """Asks for those of these devices of which something was stored since; ``None``: for all of them."""
    _, everybody = list_question(kind, Asked(limit=len(external_ids)), now)
    chosen = SQL(
        "device.external_id = any(%(external_ids)s::text[]) "
        "AND (%(since)s::timestamptz IS NULL OR latest.received_at > %(since)s::timestamptz)"
    )
    return _question(kind, chosen, BY_ID, {**everybody, "external_ids": list(external_ids), "since": since})


def list_question(kind: DeviceKind, asked: Asked, now: datetime) -> Question:
    """Asks for a page and one row more.

    Raises:
        InvalidRequestError: the cursor is of another order.
    """
    parameters = {
        "seen_at": now,
        "statuses": list(asked.statuses) or None,
        "with_charging": CHARGING in asked.statuses,
        "search": asked.search,
        "model": asked.model,
        "site": asked.site,
        "tag": asked.tag,
        "limit": asked.limit + 1,
    }
    if not asked.cursor:
        return _question(kind, SQL("TRUE"), asked.sort, parameters)
    key, after_id = _place(asked.sort, asked.cursor)
    behind = _behind(kind, asked.sort, key)
    return _question(kind, behind, asked.sort, {**parameters, "after_key": key, "after_id": after_id})


def _question(kind: DeviceKind, chosen: Composable, sort: str, parameters: dict[str, Any]) -> Question:
    name = sort.removeprefix("-")
    direction = SQL("DESC" if sort.startswith("-") else "ASC")
    key = SORTS[kind][name]
    by_id = SQL("device.external_id {}").format(direction)
    by_key = SQL("{} {} NULLS LAST, device.external_id").format(key, direction)
    statement = sqlfiles.load("ingest_api.registry", "list_devices").format(
        devices=Identifier(kind.devices),
        latest=Identifier(kind.latest),
        device_id=Identifier(kind.device_id),
        sort_key=key,
        chosen=chosen,
        ordered=by_id if name == BY_ID else by_key,
    )
    return Question(statement, parameters)


def _behind(kind: DeviceKind, sort: str, key: str | float | None) -> Composed:
    """What comes after a place in this order; what has no key comes last, in the order of ids."""
    beyond = SQL("<" if sort.startswith("-") else ">")
    if sort.removeprefix("-") == BY_ID:
        return SQL("device.external_id {} %(after_id)s").format(beyond)
    expression = SORTS[kind][sort.removeprefix("-")]
    if key is None:
        return SQL("({} IS NULL AND device.external_id > %(after_id)s)").format(expression)
    return SQL(
        "({key} IS NULL OR {key} {beyond} %(after_key)s "
        "OR ({key} = %(after_key)s AND device.external_id > %(after_id)s))"
    ).format(key=expression, beyond=beyond)


def _cursor(sort: str, key: str | float | None, external_id: str) -> str:
    if sort.removeprefix("-") == BY_ID:
        return external_id
    return base64.urlsafe_b64encode(json.dumps([sort, key, external_id]).encode()).decode()


def _place(sort: str, cursor: str) -> tuple[str | float | None, str]:
    """The key and the id that a page ended with."""
    if sort.removeprefix("-") == BY_ID:
        return None, cursor.replace("\0", "")
    try:
        order, key, external_id = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidRequestError(_NOT_OURS) from error
    kinds: tuple[type, ...] = (str,) if sort.removeprefix("-") in _TEXTS else (int, float)
    has_key = key is None or (isinstance(key, kinds) and not isinstance(key, bool))
    if order != sort or not has_key or not isinstance(external_id, str) or "\0" in f"{key}{external_id}":
        raise InvalidRequestError(_NOT_OURS)
    return key, external_id
