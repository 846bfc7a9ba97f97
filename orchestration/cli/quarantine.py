"""``fleetwatt quarantine``: what was refused, why, and what it was."""

import csv
import dataclasses
import sys
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby
from typing import Annotated, Any

import typer

from orchestration.cli.json_output import print_json
from orchestration.cli.options import Home, notes, read_settings, utc_instant
from orchestration.cli.terminal import print_line
from orchestration.home.database import current_database
from warehouse.counted import counted
from warehouse.postgres.connection import connect
from warehouse.postgres.readings.quarantined import Quarantined, list_quarantined
from warehouse.settings import FleetSettings

_SHOWN_BYTES = 160
"""Of an item in a text; CSV and JSON have all that is kept."""


class Format(StrEnum):
    """How items are written."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"


def quarantine(
    *,
    code: Annotated[str | None, typer.Option(help="Of this code alone, e.g. out_of_range.", show_default=False)] = None,
    since: Annotated[
        datetime | None,
        typer.Option(parser=utc_instant, metavar="DAY|INSTANT", help="Seen since then (UTC).", show_default=False),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Most items of each code, the newest first.")] = 3,
    written_as: Annotated[Format, typer.Option("--format", help="text is for people.")] = Format.TEXT,
    home: Home = None,
) -> None:
    """List what was refused, by code, with the newest items: who sent them, what is wrong, and their first bytes.

    Of a body with many of them, and where there is no room, items are only counted: fleetwatt status says how many.

    \b
        fleetwatt quarantine
        fleetwatt quarantine --code out_of_range --since 2026-02-08
        fleetwatt quarantine --samples 1000 --format csv > refused.csv
    """
    settings = read_settings(FleetSettings, home=home)
    with connect(current_database(settings)) as connection:
        found = list_quarantined(connection, samples, code, since)
    if written_as is Format.JSON:
        print_json([_as_dict(each) for each in found])
    elif written_as is Format.CSV:
        names = [field.name for field in dataclasses.fields(Quarantined)]
        writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_as_dict(each) for each in found)
    else:
        _print(found)


def _print(found: list[Quarantined]) -> None:
    if not found:
        notes.print("nothing was refused, or it is not kept any more")
    for code, items in groupby(found, key=lambda each: each.code):
        of_code = list(items)
        first = of_code[0]
        newest = f"the newest of {_instant(first.last_seen_at)}"
        print_line(
            f"{code}: {counted(first.kept_count, 'item')} kept, {newest}, seen {counted(first.seen_count, 'time')}"
        )
        for each in of_code:
            sender = ", ".join(filter(None, [each.source, each.client_address, each.request_id]))
            print_line(f"  {_instant(each.last_seen_at)} {each.pointer or '/'}: {each.detail} ({sender})")
            more = " ..." if each.size_bytes > _SHOWN_BYTES else ""
            print_line(f"    {_text(each.raw[:_SHOWN_BYTES])}{more}")


def _as_dict(item: Quarantined) -> dict[str, Any]:
    said = dataclasses.asdict(item)
    return said | {
        "last_seen_at": item.last_seen_at.isoformat(),
        "first_seen_at": item.first_seen_at.isoformat(),
        "raw": _text(item.raw),
    }


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _text(raw: bytes) -> str:
    """On one line; what is no UTF-8 as escapes."""
    return raw.decode("utf-8", errors="backslashreplace").replace("\r", "\\r").replace("\n", "\\n")
