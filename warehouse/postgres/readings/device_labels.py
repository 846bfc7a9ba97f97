"""Where devices stand and what people call them by, in PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import psycopg
from psycopg.sql import Composed, Identifier

from warehouse import sqlfiles
from warehouse.contract.tables import DeviceKind


class Labels(NamedTuple):
    """Of one device."""

    site: str | None
    tags: Sequence[str]


def lock_labels(transaction: psycopg.Connection, kind: DeviceKind, external_ids: Iterable[str]) -> dict[str, Labels]:
    """Those of these devices that there are; they stay so until the transaction ends."""
    found = transaction.execute(_statement("lock_device_labels", kind), {"external_ids": list(external_ids)})
    return {external_id: Labels(site, tags) for external_id, site, tags in found}


def update_labels(transaction: psycopg.Connection, kind: DeviceKind, labels: Mapping[str, Labels]) -> None:
    """Give these devices these labels."""
    with transaction.cursor() as cursor:
        given = [
            {"external_id": external_id, "site": each.site, "tags": list(each.tags)}
            for external_id, each in labels.items()
        ]
        cursor.executemany(_statement("update_device_labels", kind), given)


def _statement(name: str, kind: DeviceKind) -> Composed:
    return sqlfiles.load("warehouse.postgres.readings", name).format(
        devices=Identifier(kind.devices), device_id=Identifier(kind.device_id)
    )
