"""What is behind one number of the lake: the rows that it is summed from, and the registers of the devices behind them.

The row's own columns and the mappings of the day say which devices those are. That no other reading has a part in the
number is shown by making it again from their hours alone; that a kind of device has one, by making it without that.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

import duckdb

from dbt_like_sql.catalog import Catalog, ColumnSource, Model
from dbt_like_sql.written_values import keeps_all
from warehouse import sqlfiles
from warehouse.contract.errors import FleetwattError
from warehouse.contract.tables import DeviceKind
from warehouse.lake.additive import is_additive
from warehouse.lake.remade_number import FLAGS, HOURS, RemadeNumber, are_same
from warehouse.lake.snapshot import Snapshot
from warehouse.lake.traced_corrections import SAID, TracedCorrection, traced_corrections
from warehouse.lake.views import add_view, add_views, open_lake, text

_NAMED = 5
"""Rows that are named where a key fits several."""
_NUMBERS = ("DOUBLE", "FLOAT", "INTEGER", "BIGINT")
_BY_DEVICE = (
    *("devices", "mapped_devices", "carried_samples", HOURS, FLAGS, *SAID),
    *(kind.readings for kind in DeviceKind),
)


class NotOneRowError(FleetwattError):
    """The number cannot be traced"""

    code = "not_one_row"


class Step(NamedTuple):
    """A column that the number is made from, and how many rows of it have a part.

    ``total``: their sum, or the value of the only row; ``None`` of several where a sum means nothing, as of ratios.
    """

    source: ColumnSource
    rows: int
    total: float | None


class TracedDevice(NamedTuple):
    """A device behind the number. Energies and registers are kWh; a register is null where nothing was read.

    ``before``: the reading at which the first step begins, which may lie before the day.
    """

    kind: str
    device_id: int
    external_id: str
    hour_count: int
    energy_kwh: float | None
    reading_count: int
    exported_count: int
    before_ts: datetime | None
    before_kwh: float | None
    first_ts: datetime | None
    first_kwh: float | None
    last_ts: datetime | None
    last_kwh: float | None
    late_count: int | None
    """Readings that the day did not have at first; ``None`` where that version is not kept."""


class FlaggedStep(NamedTuple):
    """A doubtful step of one of these devices, as ``flagged_steps`` has it."""

    kind: str
    external_id: str
    flag: str
    before_ts: datetime | None
    before_kwh: float | None
    ts: datetime
    kwh: float
    energy_kwh: float


@dataclass(frozen=True)
class Trace:
    """All that is behind one number. ``remade``: the number, made again from these devices alone."""

    source: ColumnSource
    day: date
    key: Mapping[str, Any]
    value: Any
    steps: tuple[Step, ...]
    devices: tuple[TracedDevice, ...] = ()
    flags: tuple[FlaggedStep, ...] = ()
    corrections: tuple[TracedCorrection, ...] = ()
    remade: Any = None

    @property
    def is_whole(self) -> bool:
        """Whether no other device has a part in the number."""
        return are_same(self.value, self.remade)


def trace(
    snapshot: Snapshot,
    catalog: Catalog,
    source: ColumnSource,
    day: date,
    key: Mapping[str, str],
    earlier: Mapping[str, str | None],
) -> Trace:
    """Follow a number down to the readings.

    ``key``: texts of columns that only one row of the day has. ``earlier``: where a file of each stream lies that was
    published before the current one; ``None`` where the current one is the first, nothing where none is kept.

    Raises:
        NotOneRowError: no row has these values, or several have; it names some.
    """
    model = catalog.models[source.dataset]
    names = {source.dataset, *catalog.upstream(source.dataset), *_BY_DEVICE}
    with open_lake(snapshot, [catalog.models[name] for name in names if name in catalog.models], day) as engine:
        if model.lookback_days:
            add_views(engine, snapshot, [catalog.models[each] for each in model.depends_on], day, model.lookback_days)
        row = _one_row(engine, model, day, key)
        known = {name: row[name] for name in model.sort_key}
        found = Trace(source, day, known, row[source.column], tuple(_steps(engine, catalog, source, known, day)))
        looks_back = any(catalog.models[each].lookback_days for each in (model.name, *catalog.upstream(model.name)))
        if looks_back or not {HOURS, FLAGS} & {model.name, *catalog.upstream(model.name)}:
            return found
        _make_scope(engine, row, known)
        kinds, remade = [str(kind) for kind in DeviceKind], found.value
        if model.sql:
            number = RemadeNumber(engine, snapshot, catalog, source, day, known)
            remade = number.value(kinds)
            needed = [each for each in kinds if not are_same(remade, number.value(set(kinds) - {each}))]
            kinds = needed if needed or are_same(remade, number.value([])) else kinds
        engine.execute("DELETE FROM traced_devices WHERE NOT list_contains(?, kind)", [kinds])
        devices = tuple(_devices(engine, catalog, earlier))
        flags = tuple(FlaggedStep(*each) for each in _load(engine, "list_traced_flags"))
        ((rows, total),) = _execute(engine, "SELECT count(*), sum(energy_kwh) FROM traced_hours")
        steps = (*found.steps, *([Step(ColumnSource(HOURS, "energy_kwh"), rows, total)] if devices else []))
        said = traced_corrections(engine)
        return replace(found, steps=steps, devices=devices, flags=flags, corrections=said, remade=remade)


def _one_row(engine: duckdb.DuckDBPyConnection, model: Model, day: date, key: Mapping[str, str]) -> dict[str, Any]:
    types = {column.name: column.type for column in model.columns}
    for name, value in key.items():
        if not keeps_all(value, types[name]):
            raise NotOneRowError(f"a value of the key is no value of its column: {name} is {types[name]}, no {value}")
    conditions = "".join(f" AND {name} = {text(value)}::{types[name]}" for name, value in key.items())
    of_day = f"FROM {model.name} WHERE day = DATE '{day}'{conditions}"
    try:
        found = engine.execute(f"SELECT * {of_day} LIMIT {_NAMED + 1}")
    except duckdb.ConversionException as error:
        raise NotOneRowError(
            f"a value of the key is no value of its column: {str(error).partition(chr(10))[0]}"
        ) from error
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    if len(rows) == 1:
        return rows[0]
    wanted = f" with {', '.join(f'{name} = {value}' for name, value in key.items())}" if key else ""
    if not rows:
        raise NotOneRowError(f"{model.name} has no row of {day}{wanted}")
    named = "; ".join(" ".join(_as_option(name, row[name]) for name in model.sort_key) for row in rows[:_NAMED])
    raise NotOneRowError(f"{model.name} has several rows of {day}{wanted}: name one, e.g. {named}")


def _as_option(name: str, value: Any) -> str:
    """What names a value of the key on the command line, as a shell takes it."""
    written = value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
    return f"--key {shlex.quote(f'{name}={written}')}"


def _steps(
    engine: duckdb.DuckDBPyConnection, catalog: Catalog, source: ColumnSource, key: Mapping[str, Any], day: date
) -> Iterator[Step]:
    """The columns of numbers between this one and the hours, each once, nearest first."""
    model = catalog.models[source.dataset]
    seen, ahead = {source}, [(each, model.lookback_days) for each in model.column_lineage.get(source.column, ())]
    while ahead:
        each, lookback_days = ahead.pop(0)
        read = catalog.models[each.dataset]
        if each in seen or not read.sql:
            continue
        seen.add(each)
        types = {column.name: column.type for column in read.columns}
        if types.get(each.column) in _NUMBERS and each.column not in read.key and not each.column.endswith("_id"):
            held = {name: value for name, value in key.items() if name in types}
            conditions = "".join(f" AND {name} IS NOT DISTINCT FROM ?" for name in held)
            first = f"DATE '{day}' - {lookback_days}"
            query = f"SELECT count(*), sum({each.column}) FROM {read.name} WHERE day >= {first}{conditions}"  # noqa: S608
            ((rows, total),) = engine.execute(query, list(held.values())).fetchall()
            yield Step(each, rows, total if rows == 1 or is_additive(each.column) else None)
        if not lookback_days and not read.lookback_days:
            ahead += [(deeper, 0) for deeper in read.column_lineage.get(each.column, ())]


def _make_scope(engine: duckdb.DuckDBPyConnection, row: Mapping[str, Any], key: Mapping[str, Any]) -> None:
    """Tables of the devices that the row is of, of their hours and of their readings."""
    for name in ("kind", "device_id", "vehicle_id", "meter_id"):
        engine.execute(f"SET VARIABLE {name} = ?", [row.get(name)])
    for name in ("hour", "segment_from"):
        engine.execute(f"SET VARIABLE {name} = ?", [key.get(name)])
    _load(engine, "create_traced_devices")
    _execute(engine, f"CREATE TEMP VIEW received_readings AS {_both({kind: kind.readings for kind in DeviceKind})}")
    _load(engine, "create_day_readings")
    for name in ("hours", "readings"):
        _load(engine, f"create_traced_{name}")
        kept = f"FROM all_traced_{name} SEMI JOIN traced_devices USING (kind, device_id)"
        _execute(engine, f"CREATE TEMP VIEW traced_{name} AS {kept}")


def _both(names: Mapping[DeviceKind, str]) -> str:
    """The readings of both kinds of device in one list; ``names``: the view that has them."""
    return " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, {kind.device_id} AS device_id, ts, kwh FROM {name}"  # noqa: S608 - names of our own
        for kind, name in names.items()
    )


def _devices(
    engine: duckdb.DuckDBPyConnection, catalog: Catalog, earlier: Mapping[str, str | None]
) -> Iterator[TracedDevice]:
    names = {}
    for kind in DeviceKind:
        if location := earlier.get(kind.readings):
            names[kind] = f"earlier_{kind.readings}"
            add_view(engine, replace(catalog.models[kind.readings], name=names[kind]), [location])
    late: dict[tuple[str, int], int] = {}
    if names:
        _execute(engine, f"CREATE TEMP VIEW earlier_readings AS {_both(names)}")
        late = {(kind, device_id): count for kind, device_id, count in _load(engine, "count_late_readings")}
    for row in _load(engine, "summarize_traced_devices"):
        kind = DeviceKind(row[0])
        if kind.readings not in earlier:
            yield TracedDevice._make((*row, None))
        else:
            yield TracedDevice._make((*row, late.get((row[0], row[1]), 0) if kind in names else 0))


def _load(engine: duckdb.DuckDBPyConnection, name: str) -> list[tuple[Any, ...]]:
    return _execute(engine, sqlfiles.load("warehouse.lake", name).as_string())


def _execute(engine: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return engine.execute(query).fetchall()
