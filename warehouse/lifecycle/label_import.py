"""Sites and tags of many devices out of a table (CSV): what it would change, and the change, all of it or nothing."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import psycopg

from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.csv_cells import read_text
from warehouse.contract.errors import FleetwattError
from warehouse.contract.labels import site_of, tags_of
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.audit.entries import record
from warehouse.postgres.readings.device_labels import Labels, lock_labels, update_labels

ID_COLUMNS = {"meterId": DeviceKind.METER, "vehicleId": DeviceKind.VEHICLE}
"""As lists of devices have them: a table that was asked for as CSV can be filled in and given back."""
SITE, TAGS = "site", "tags"
_MOST_FAULTS = 10
_AT_ONCE = 1_000


class LabelTableError(FleetwattError):
    """The table cannot be taken"""

    code = "label_table"


class LabelChange(NamedTuple):
    """What becomes of one device."""

    kind: DeviceKind
    external_id: str
    before: Labels
    after: Labels


class _Row(NamedTuple):
    kind: DeviceKind
    external_id: str
    cells: Mapping[str, str]
    """Of the columns that the table has."""
    line: int


def import_labels(connection: psycopg.Connection, lines: Iterable[str], *, change: bool) -> Sequence[LabelChange]:
    """What a table changes of devices, and with ``change`` change it. A column that it does not have stays as it is.

    The connection is in autocommit.

    Raises:
        LabelTableError: a column is missing, a line says what cannot be, or of a device that there is not.
    """
    rows = list(_rows(lines))
    with connection.transaction():
        changes = _compared(connection, rows)
        if change:
            for kind in DeviceKind:
                mine = {each.external_id: each.after for each in changes if each.kind is kind}
                update_labels(connection, kind, mine)
            record(connection, Action.DEVICE_CHANGE, *map(_entry, changes))
    return changes


def _compared(connection: psycopg.Connection, rows: Sequence[_Row]) -> list[LabelChange]:
    changes: list[LabelChange] = []
    faults: list[str] = []
    for kind in DeviceKind:
        mine = [row for row in rows if row.kind is kind]
        known: dict[str, Labels] = {}
        for first in range(0, len(mine), _AT_ONCE):
            known |= lock_labels(connection, kind, [row.external_id for row in mine[first : first + _AT_ONCE]])
        for row in mine:
            if (before := known.get(row.external_id)) is None:
                faults.append(f"line {row.line}: there is no {kind} {row.external_id}")
                continue
            try:
                after = _labels(row, before)
            except ValueError as error:
                faults.append(f"line {row.line}: {error}")
                continue
            if after != before:
                changes.append(LabelChange(kind, row.external_id, before, after))
    _require_none(faults)
    return changes


def _labels(row: _Row, before: Labels) -> Labels:
    site, tags = row.cells.get(SITE), row.cells.get(TAGS)
    return Labels(before.site if site is None else site_of(site), before.tags if tags is None else tags_of(tags))


def _rows(lines: Iterable[str]) -> Iterator[_Row]:
    table = csv.reader(lines, strict=True)
    try:
        header = [name.strip().removeprefix("\N{BYTE ORDER MARK}").rpartition(".")[2] for name in next(table, [])]
        columns = {name: place for place, name in enumerate(header)}
        ids = [name for name in ID_COLUMNS if name in columns]
        if not ids or not {SITE, TAGS} & columns.keys():
            needed = f"{' or '.join(ID_COLUMNS)}, and {SITE} or {TAGS}"
            raise LabelTableError(f"the first line names the columns, and has to name {needed}")
        seen: dict[tuple[DeviceKind, str], int] = {}
        faults: list[str] = []
        for cells in filter(None, table):
            line = table.line_num
            if len(cells) != len(header):
                faults.append(f"line {line}: {len(cells)} cells below {len(header)} columns")
                continue
            given = {name: read_text(cells[place]) for name, place in columns.items()}
            named = [(ID_COLUMNS[name], given[name].strip()) for name in ids if given[name].strip()]
            if len(named) != 1:
                faults.append(f"line {line}: it names {len(named)} devices, and not one")
            elif (earlier := seen.setdefault(named[0], line)) != line:
                faults.append(f"line {line}: {named[0][1]} is in line {earlier} already")
            else:
                yield _Row(*named[0], {name: given[name] for name in (SITE, TAGS) if name in given}, line)
    except (csv.Error, UnicodeDecodeError) as error:
        raise LabelTableError(f"behind line {table.line_num} it is no CSV in UTF-8: {error}") from error
    _require_none(faults)


def _require_none(faults: Sequence[str]) -> None:
    if faults:
        more = [f"and {len(faults) - _MOST_FAULTS:,} lines more"] if len(faults) > _MOST_FAULTS else []
        raise LabelTableError("\n".join(["nothing is changed:", *faults[:_MOST_FAULTS], *more]))


def _entry(each: LabelChange) -> Change:
    was, is_now = (dict(zip((SITE, TAGS), labels, strict=True)) for labels in (each.before, each.after))
    others = [name for name in was if was[name] != is_now[name]]
    kind = SubjectKind(each.kind)
    return Change(kind, each.external_id, {name: was[name] for name in others}, {name: is_now[name] for name in others})
