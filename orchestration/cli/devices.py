"""``fleetwatt devices``: what is registered and was never heard of again."""

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from orchestration.cli.connected import connected_to_home
from orchestration.cli.json_output import print_json
from orchestration.cli.options import AsJson, Home, home_of_group, notes, read_settings
from orchestration.home.database import database
from warehouse.contract.labels import BETWEEN_TAGS
from warehouse.counted import counted
from warehouse.lifecycle.device_pruning import LEAST_DAYS, Pruning, look, remove
from warehouse.lifecycle.label_import import LabelChange, import_labels
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres.connection import connect
from warehouse.postgres.readings.device_labels import Labels
from warehouse.settings import FleetSettings

MAX_SHOWN = 20

devices = typer.Typer(
    help="The registered meters and vehicles.\n\n"
    "Those that nothing is left of can be removed:\n\n"
    "\b\n    fleetwatt devices prune --older-than 30d",
    no_args_is_help=True,
    add_completion=False,  # it is the whole command's
    rich_markup_mode=None,
)


devices.callback()(home_of_group)


def _age(text: str) -> timedelta:
    days = re.fullmatch(r"([0-9]{1,5})d", text)
    if days is None or int(days[1]) < LEAST_DAYS:
        raise typer.BadParameter(f"a number of days, at least {LEAST_DAYS}, e.g. 30d")
    return timedelta(days=int(days[1]))


@devices.command()
def prune(
    *,
    older_than: Annotated[timedelta, typer.Option(parser=_age, metavar="DAYS", help="Silent for so long, e.g. 30d.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; without it they are only shown.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Remove devices that were registered long ago, have not reported since, and of which nothing is left.

    A device stays where PostgreSQL or the lake has readings of it, or a mapping, ended or not, speaks of it. One that
    is removed and reports again is registered again.

    \b
    See them first, then remove them:
        fleetwatt devices prune --older-than 30d
        fleetwatt devices prune --older-than 30d --yes
    """
    settings = read_settings(FleetSettings, home=home)
    before = datetime.now(UTC) - older_than
    with database(settings) as url, connect(url) as connection:
        pruning = look(connection, open_lake_folder(url, settings.lake), before)
        removed = remove(connection, pruning.removable, before) if yes else 0
    if as_json:
        json.dump(_as_dict(pruning, removed), sys.stdout, default=str)
        sys.stdout.write("\n")
        return
    _print(pruning)
    notes.print(f"{removed:,} removed" if yes else "none removed: that takes --yes")


@devices.command("import")
def import_table(
    *,
    table: Annotated[
        typer.FileText, typer.Argument(metavar="FILE", encoding="utf-8", help="CSV; - is standard input.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Change them; without it it is only shown what would be.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Set site and tags of devices from a table with the columns meterId or vehicleId, and site, tags or both.

    Tags have semicolons between them; an empty cell is none; other columns are left alone. So a list of devices that
    was asked for as CSV can be filled in. All of it is changed, or, where a line cannot be taken, nothing.

    \b
        curl -s http://127.0.0.1:3000/v1/meters?limit=1000 -H 'Accept: text/csv' > meters.csv
        fleetwatt devices import meters.csv
        fleetwatt devices import meters.csv --yes
    """
    with connected_to_home(home) as connection:
        changes = import_labels(connection, table, change=yes)
    if as_json:
        print_json([_change(each) for each in changes])
        return
    for each in changes[:MAX_SHOWN]:
        notes.print(f"{each.kind} {each.external_id}: {_shown(each.before)} -> {_shown(each.after)}", markup=False)
    if len(changes) > MAX_SHOWN:
        notes.print(f"and {len(changes) - MAX_SHOWN:,} more")
    notes.print(f"{counted(len(changes), 'device')} {'changed' if yes else 'would change: that takes --yes'}")


def _shown(labels: Labels) -> str:
    return f"{labels.site or 'no site'} [{BETWEEN_TAGS.join(labels.tags)}]"


def _change(each: LabelChange) -> dict[str, object]:
    before, after = ({"site": labels.site, "tags": list(labels.tags)} for labels in (each.before, each.after))
    return {"kind": each.kind.value, "id": each.external_id, "before": before, "after": after}


def _print(pruning: Pruning) -> None:
    for device in pruning.removable[:MAX_SHOWN]:
        last = f"last reading of {device.last_ts:%Y-%m-%d}" if device.last_ts else "never reported"
        notes.print(f"{device.kind} {device.external_id}: registered {device.registered_at:%Y-%m-%d}, {last}")
    if len(pruning.removable) > MAX_SHOWN:
        notes.print(f"and {len(pruning.removable) - MAX_SHOWN:,} more")
    notes.print(f"{counted(len(pruning.removable), 'device')} can be removed")
    for (kind, reason), count in pruning.kept.items():
        notes.print(f"{counted(count, f'silent {kind} stays', f'silent {kind}s stay')}: {reason}")


def _as_dict(pruning: Pruning, removed: int) -> dict[str, object]:
    return {
        "removable": [
            {
                "kind": device.kind,
                "externalId": device.external_id,
                "registeredAt": device.registered_at.isoformat(),
                "lastReadingAt": device.last_ts.isoformat() if device.last_ts else None,
            }
            for device in pruning.removable
        ],
        "kept": [{"kind": kind, "why": why, "count": count} for (kind, why), count in pruning.kept.items()],
        "removed": removed,
    }
