"""``fleetwatt models trace``: the readings behind one number, and what is made of them on the way to it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from dbt_like_sql.catalog import Catalog, ColumnSource, Model
from dbt_like_sql.declarations import suggestion
from orchestration.cli.json_output import ByColumn, print_json
from orchestration.cli.lake_reader import LakeReader, Unverified, reading_lake
from orchestration.cli.models.catalog import find_model, read_catalog
from orchestration.cli.options import AsJson, Home, read_settings, utc_day
from orchestration.cli.query_table import shown_value
from orchestration.cli.terminal import print_line, results
from warehouse.contract.partitions import Stream
from warehouse.counted import counted
from warehouse.lake.provenance import TABLES_OF_POSTGRES
from warehouse.lake.trace import Trace
from warehouse.lake.trace import trace as follow
from warehouse.postgres.ledger.lake_files import list_versions
from warehouse.settings import FleetSettings


def trace(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset.", show_default=False)],
    column: Annotated[str, typer.Argument(help="One of its columns.", show_default=False)],
    *,
    day: Annotated[date, typer.Option(parser=utc_day, metavar="DAY", help="The UTC day.", show_default=False)],
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Which row; again for more columns.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most devices, and most flagged steps, that are listed.")] = 10,
    unverified: Unverified = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show the readings behind one number of the lake: whose they are, how many, their registers, what is doubtful.

    The number is made again from these devices alone, so that it is known that no other has a part in it.

    \b
        fleetwatt models trace daily_vehicle_efficiency ac_kwh --key vehicle_external_id=veh-00003 --day 2026-02-08
        fleetwatt models trace hourly_vehicle_efficiency dc_kwh --day 2026-02-08 \\\\
            --key vehicle_id=3 --key hour=2026-02-08T07:00:00Z
        fleetwatt models trace daily_fleet_efficiency metered_ac_kwh --day 2026-02-08
    """
    settings = read_settings(FleetSettings, home=home)
    catalog = read_catalog()
    model = find_model(catalog, name, "DATASET")
    _require_column(model, column, "COLUMN")
    values = _key(model, key or [])
    with reading_lake(settings) as reader:
        if not unverified:
            reader.require_intact([name, *catalog.upstream(name)], day, model.lookback_days)
        found = follow(reader.snapshot, catalog, ColumnSource(name, column), day, values, _earlier(reader, day))
    if as_json:
        print_json(_as_dict(found, limit))
    else:
        _print(catalog, model, found, limit)


def _key(model: Model, given: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in (_pair(model, each) for each in given):
        if name in values:
            raise typer.BadParameter(f"{name} is given twice: a row has one", param_hint="--key")
        values[name] = value
    return values


def _pair(model: Model, given: str) -> tuple[str, str]:
    name, separator, value = given.partition("=")
    if not separator:
        raise typer.BadParameter(f"{given} is no COLUMN=VALUE, e.g. vehicle_id=3", param_hint="--key")
    _require_column(model, name, "--key")
    return name, value


def _require_column(model: Model, column: str, param_hint: str) -> None:
    names = [each.name for each in model.columns]
    if column not in names:
        near = suggestion(column, names) or f"; it has {', '.join(names)}"
        raise typer.BadParameter(f"{model.name} has no column {column}{near}", param_hint=param_hint)


def _earlier(reader: LakeReader, day: date) -> dict[str, str | None]:
    """Where the first version of each stream's day lies, if it is kept; ``None`` where it is the current one."""
    found: dict[str, str | None] = {}
    for stream in Stream if reader.ledger else ():
        current = reader.snapshot.files.get(stream, {}).get(day)
        kept = list_versions(reader.ledger, stream, day) if reader.ledger else []
        if current and current.version == 1:
            found[stream] = None
        elif current and kept and kept[0].version == 1:
            found[stream] = reader.snapshot.lake.location(kept[0])
    return found


def _print(catalog: Catalog, model: Model, found: Trace, limit: int) -> None:
    row = "".join(f", {name} = {shown_value(value)}" for name, value in found.key.items())
    print_line(f"{found.source.dataset}.{found.source.column} of {found.day}{row}: {shown_value(found.value)}")
    if found.steps:
        print_line("made from:")
    for step in found.steps:
        total = "" if step.total is None else f", sum {shown_value(step.total)}"
        print_line(f"  {step.source.dataset}.{step.source.column}: {counted(step.rows, 'row')}{total}")
    if not found.devices:
        print_line(_why_no_readings(catalog, model, found))
        return
    if not found.is_whole:
        print_line(
            f"made again from the devices below alone it is {shown_value(found.remade)}: others have a part in it"
        )
    console = results()
    console.print(_device_table(found, limit))
    if len(found.devices) > limit:
        print_line(f"and {counted(len(found.devices) - limit, 'device')} with less energy (--limit)")
    for line in _readings_in_words(found):
        print_line(line)
    if found.corrections:
        console.print(_correction_table(found, limit))
    if len(found.corrections) > limit:
        print_line(f"and {counted(len(found.corrections) - limit, 'corrected reading')} (--limit)")
    if found.flags:
        console.print(_flag_table(found, limit))
    if len(found.flags) > limit:
        print_line(f"and {counted(len(found.flags) - limit, 'flagged step')} (--limit)")


def _why_no_readings(catalog: Catalog, model: Model, found: Trace) -> str:
    if model.name in TABLES_OF_POSTGRES:
        return f"exported as it is from the table {model.name} of PostgreSQL"
    if model.lookback_days:
        first = next(iter(found.steps), None)
        return f"of {counted(model.lookback_days + 1, 'day')}; " + (
            f"trace {first.source.dataset} {first.source.column} of one of them" if first else "of no number"
        )
    for step in found.steps:
        if days := catalog.models[step.source.dataset].lookback_days:
            return f"{step.source.dataset} is of {counted(days + 1, 'day')}; trace {' '.join(step.source)} of this one"
    return "no reading of a device has a part in it"


def _device_table(found: Trace, limit: int) -> Table:
    table = Table(
        "device", "hours", "energy kWh", "readings", "reading before", "first reading", "last reading", "late",
        box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False,
    )  # fmt: skip
    for place in (1, 2, 3, 7):
        table.columns[place].justify = "right"
    for each in found.devices[:limit]:
        table.add_row(
            Text(f"{each.kind} {each.external_id}"),
            f"{each.hour_count:,}",
            shown_value(each.energy_kwh),
            f"{each.reading_count:,}",
            _register(each.before_ts, each.before_kwh),
            _register(each.first_ts, each.first_kwh),
            _register(each.last_ts, each.last_kwh),
            "?" if each.late_count is None else f"{each.late_count:,}",
        )
    return table


def _flag_table(found: Trace, limit: int) -> Table:
    table = Table(
        "flagged step", "flag", "from", "to", "booked kWh", box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False
    )
    for each in found.flags[:limit]:
        table.add_row(
            Text(f"{each.kind} {each.external_id}"),
            each.flag,
            _register(each.before_ts, each.before_kwh),
            _register(each.ts, each.kwh),
            shown_value(each.energy_kwh),
        )
    return table


def _correction_table(found: Trace, limit: int) -> Table:
    table = Table(
        "corrected reading", "received", "counts", "by", "why", box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False
    )
    for each in found.corrections[:limit]:
        counts = "left out" if each.kwh is None else shown_value(each.kwh)
        received = _register(each.ts, each.received_kwh)
        table.add_row(Text(f"{each.kind} {each.external_id}"), received, counts, Text(each.who), Text(each.why))
    return table


def _readings_in_words(found: Trace) -> list[str]:
    read, exported = (sum(getattr(each, f"{name}_count") for each in found.devices) for name in ("reading", "exported"))
    lines = [
        f"{counted(len(found.devices), 'device')}, {counted(read, 'reading')}, "
        f"{counted(len(found.flags), 'flagged step')}; registers in kWh, instants in UTC"
    ]
    if read != exported:
        lines.append(f"the exported files have {counted(exported, 'reading')} of them in that time")
    known = [each.late_count for each in found.devices if each.late_count is not None]
    if len(known) < len(found.devices):
        lines.append("late ?: the first version of the day is not kept any more, or the ledger was not asked")
    return lines


def _register(ts: datetime | None, kwh: float | None) -> str:
    return "none" if ts is None else f"{ts:%m-%d %H:%M:%S}  {shown_value(kwh)}"


def _as_dict(found: Trace, limit: int) -> dict[str, Any]:
    said = asdict(found)
    said |= {
        "source": found.source._asdict(),
        "key": ByColumn(found.key),
        "steps": [{**each.source._asdict(), "rows": each.rows, "sum": each.total} for each in found.steps],
        "device_count": len(found.devices),
        "devices": [each._asdict() for each in found.devices[:limit]],
        "correction_count": len(found.corrections),
        "corrections": [each._asdict() for each in found.corrections[:limit]],
        "flag_count": len(found.flags),
        "flags": [each._asdict() for each in found.flags[:limit]],
        "is_whole": found.is_whole,
    }
    return said
