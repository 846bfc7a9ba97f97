"""``fleetwatt status``: devices, readings per day, ledger, lake, what waits, freshness and sizes in one screen."""

import dataclasses
import sys
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Annotated, Any

import psycopg
import typer
from rich import box
from rich.filesize import decimal
from rich.table import Table

from dbt_like_sql.catalog import Catalog, CatalogError
from orchestration.cli.json_output import print_json
from orchestration.cli.options import AsJson, Home, read_settings
from orchestration.cli.terminal import Terminal, print_line
from orchestration.dagster_runtime.automation import what_is_stopped
from orchestration.dagster_runtime.instance import opened
from orchestration.dagster_runtime.own_database import DagsterDatabaseError
from orchestration.home.database import current_database
from orchestration.home.folder import disks
from warehouse.backup.standing import BackupStanding, standing_of
from warehouse.contract.partitions import Stream
from warehouse.counted import counted
from warehouse.disk import Disk, DiskLevel, Watermarks
from warehouse.lifecycle.lagging_models import LaggingModel, lagging_models, lagging_remarks
from warehouse.lifecycle.restatement_words import rebuilt_words
from warehouse.postgres.alerts.deliveries import channel_overviews
from warehouse.postgres.connection import connect
from warehouse.postgres.device_data.forgetting_store import unfinished_forgettings
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.gaps import list_gaps
from warehouse.postgres.overview import DeviceOverview, Overview, PartitionOverview, QuarantineOverview, look
from warehouse.postgres.roles.remarks import one_role_remark
from warehouse.settings import FleetSettings

WIDTH = 100
_UNREAD = ["the models cannot be read, so nobody knows which days lack one: fleetwatt models check"]


def status(
    *,
    home: Home = None,
    days: Annotated[int, typer.Option(min=1, help="Show this many of the newest days that have readings.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show devices, readings per day, the ledger, the lake, freshness and sizes in one screen.

    In the lake: which release of the day readers see (v2: it was rebuilt once), and the size of its readings. Below:
    what rebuilds changed, which closed days are still to be run, and why, and without which lost files days were made.

    Counts marked with ~ are estimates: a full-size day is not scanned for this.

    \b
    For a program:
        fleetwatt status --json
    """
    settings = read_settings(FleetSettings, home=home)
    url = current_database(settings)
    with connect(url) as connection:
        overview = look(connection)
        catalog = _catalog()
        to_run = _days_to_run(connection, url, settings, catalog)
        lagging = lagging_models(connection, catalog) if catalog else None
        gaps = list_gaps(connection)
        one_role = one_role_remark(connection, settings.addresses_apart)
        not_taken = channel_overviews(connection)
        half_forgotten = list(map(str, unfinished_forgettings(connection)))
    standing = standing_of(EmbeddedPostgres(settings.home))
    if as_json:
        said = {**dataclasses.asdict(overview), "disks": _disks_as_dicts(settings), "days_to_run": to_run}
        said["one_role"] = one_role
        said["lagging_models"] = None if lagging is None else [_lagging_as_dict(each) for each in lagging]
        said["gaps"] = [dataclasses.asdict(each) for each in gaps]
        said["alerts"] = [dataclasses.asdict(each) for each in not_taken]
        said["backup"] = standing and {**dataclasses.asdict(standing), "is_well": standing.is_well}
        said["half_forgotten"] = half_forgotten
        print_json(said)
    else:
        _print(overview, days)
        _print_disks(settings)
        for remark in filter(None, (one_role, _backup_remark(settings, standing))):
            print_line(remark)
        of_models = _UNREAD if lagging is None else lagging_remarks(lagging)
        for line in [*to_run, *of_models, *map(str, gaps), *half_forgotten]:
            print_line(line)
        for each in not_taken:
            print_line(f"alerts, {each.words}; fleetwatt alerts list")


def _backup_remark(settings: FleetSettings, standing: BackupStanding | None) -> str | None:
    if standing:
        return f"{'' if standing.is_well else 'WARNING: '}backup: {standing.words}"
    return None if settings.names_a_database else "there is no backup: fleetwatt backup TARGET begins one"


def _disks_as_dicts(settings: FleetSettings) -> list[dict[str, object]]:
    return [{**dataclasses.asdict(disk), "level": level.name.lower()} for disk, level in _disks(settings)]


def _print_disks(settings: FleetSettings) -> None:
    for disk, level in _disks(settings):
        mark = "" if level is DiskLevel.OK else f": {level.name}, make room"
        sys.stdout.write(f"disk of {disk.folder}: {disk.used_ratio:.0%} used, {decimal(disk.free_bytes)} free{mark}\n")
    if settings.names_a_database:
        sys.stdout.write("the disk of PostgreSQL is not seen from here, unless it is the same\n")


def _disks(settings: FleetSettings) -> list[tuple[Disk, DiskLevel]]:
    return [(disk, Watermarks.of(settings).level(disk.used_ratio)) for disk in disks(settings)]


def _catalog() -> Catalog | None:
    """The models; ``None`` where they cannot be read, which must hide nothing else."""
    try:
        return Catalog.load()
    except CatalogError:
        return None


def _lagging_as_dict(lagging: LaggingModel) -> dict[str, Any]:
    return {"day": lagging.day, "dataset": lagging.dataset, "why": lagging.why.name.lower()}


def _days_to_run(
    connection: psycopg.Connection, url: str, settings: FleetSettings, catalog: Catalog | None
) -> list[str]:
    """What Dagster's sensor says of each closed day that the lake does not have as it is."""
    days = day_ledger.days_to_run(connection)
    if not days:
        return []
    try:
        return _planned(connection, url, settings, catalog)
    except DagsterDatabaseError as error:
        waiting = [f"{each.day} is to be run: fleetwatt run-day DAY" for each in days]
        return [*waiting, f"{error.title}: {error.detail}"]


def _planned(connection: psycopg.Connection, url: str, settings: FleetSettings, catalog: Catalog | None) -> list[str]:
    with opened(url, settings) as instance:
        if instance is None:
            never = "is to be run, and Dagster was never started: fleetwatt run-day DAY"
            return [f"{each.day} {never}" for each in day_ledger.days_to_run(connection)]
        from orchestration.assets.partitions import days_of_request
        from orchestration.scheduling.day_plan import plan_days
        from orchestration.scheduling.lookback_plan import plan_all  # these load Dagster, as ``opened`` did

        first_day = settings.first_day
        plan = (
            plan_all(connection, instance, first_day, catalog)
            if catalog
            else plan_days(connection, instance, first_day)
        )
    to_run = [day for request in plan.requests for day in days_of_request(request)]
    next_ones = [f"{day} is to be run: by Dagster, or: fleetwatt run-day DAY" for day in to_run]
    return [*next_ones, *plan.remarks]


def _print(overview: Overview, most_days: int) -> None:
    console = Terminal(highlight=False, markup=False, soft_wrap=True)
    # Figures that are cut off would be others: a narrow terminal wraps the lines.
    console.width = max(console.width, WIDTH)
    database = overview.database
    for server in overview.open_servers:
        console.print(f"WARNING: {server} listens beyond loopback and asks nobody who they are", style="bold red")
    if (pipeline := overview.pipeline) and pipeline.stopped:
        since = f"since {pipeline.changed_at:%Y-%m-%d %H:%M}Z"
        console.print(f"WARNING: {what_is_stopped(pipeline.stopped)}; {since}", style="bold red")
    console.print(
        f"PostgreSQL {database.server_version}, {decimal(database.size_bytes)}; lake {decimal(database.lake_bytes)} "
        f"and {decimal(database.replaced_lake_bytes)} of replaced versions; "
        f"{counted(database.open_mappings, 'open mapping')}, {counted(database.quarantined, 'reading')} in quarantine"
    )
    _print_quarantine(console, overview.quarantine)
    console.print(_device_table(overview.devices))
    with_rows = [partition for partition in overview.partitions if partition.row_count]
    by_day = [(day, list(group)) for day, group in groupby(with_rows, key=lambda each: each.day)]
    if not by_day:
        console.print("no readings yet; fleetwatt simulate sends some")
        return
    console.print(_day_table(by_day[-most_days:]))
    if len(by_day) > most_days:
        console.print(f"and {counted(len(by_day) - most_days, 'earlier day')} with readings (--days shows more)")
    _print_restatements(console, [partitions[0] for _, partitions in by_day[-most_days:]])
    ahead = max(partition.day for partition in overview.partitions)
    console.print(f"partitions stand ready until {ahead}")


def _print_restatements(console: Terminal, shown: list[PartitionOverview]) -> None:
    """What the days' releases mean, where one was rebuilt, and what that changed."""
    if any(each.release > 1 for each in shown):
        console.print("v2 is a day's second release: it was rebuilt once, and readers see the newest one")
    for each in shown:
        if each.restated_release and each.restatement:
            console.print(rebuilt_words(each.day, each.restated_release, each.restatement))
    if any(each.restatement for each in shown):
        console.print('what else changed: fleetwatt query "FROM restatements"')


def _print_quarantine(console: Terminal, quarantine: list[QuarantineOverview]) -> None:
    """What was refused and is not kept: nobody shall take the rows for all there was."""
    counted_only = {each.code: each.counted_only for each in quarantine if each.counted_only}
    if counted_only:
        of_codes = ", ".join(f"{code} {number:,}" for code, number in counted_only.items())
        console.print(
            f"refused and only counted, beyond what the quarantine keeps of one body or has room for: {of_codes}"
        )


def _device_table(devices: list[DeviceOverview]) -> Table:
    table = _table("devices", "registered", "reporting", "silent > 15 min", "newest reading")
    for each in devices:
        newest = _age(each.newest_ts) if each.newest_ts else "none yet"
        table.add_row(f"{each.kind}s", f"{each.devices:,}", f"{each.reporting:,}", f"{each.silent:,}", newest)
    return table


def _day_table(by_day: list[tuple[date, list[PartitionOverview]]]) -> Table:
    head = (
        "\nday (UTC)",
        "meter\nreadings",
        "vehicle\nreadings",
        "\nlate",
        "\nimported",
        "\nstate",
        "\nsize",
        "\nin the lake",
    )
    table = _table(*head)
    for column in table.columns:
        column.no_wrap = True
    for number in (1, 2, 3, 4, 6):
        table.columns[number].justify = "right"
    for day, partitions in by_day:
        table.add_row(
            str(day),
            _count(partitions, Stream.METER_READINGS),
            _count(partitions, Stream.VEHICLE_READINGS),
            f"{sum(each.late_row_count for each in partitions):,}",
            f"{sum(each.imported_row_count for each in partitions):,}",
            ", ".join(sorted({each.state for each in partitions})),
            decimal(sum(each.size_bytes for each in partitions)),
            _in_the_lake(partitions),
        )
    return table


def _table(*head: str) -> Table:
    """Narrow enough for 80 columns."""
    return Table(*head, box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)


def _count(partitions: list[PartitionOverview], stream: Stream) -> str:
    for each in partitions:
        if each.stream == stream:
            return f"{'~' if each.is_estimate else ''}{each.row_count:,}"
    return "0"


def _in_the_lake(partitions: list[PartitionOverview]) -> str:
    if not any(each.version for each in partitions):
        return "not yet"
    release = partitions[0].release
    if not all(each.is_built for each in partitions):
        return f"v{release}, to be rebuilt" if release else "exported, to be built"
    return f"v{release}, {decimal(sum(each.lake_bytes for each in partitions))}"


def _age(ts: datetime) -> str:
    seconds = (datetime.now(UTC) - ts).total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{max(0.0, seconds):.0f} s ago"
