"""``fleetwatt audit``: who did what."""

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from orchestration.cli.connected import connected_to_home
from orchestration.cli.json_output import ByColumn, print_json
from orchestration.cli.options import AsJson, Home, notes, utc_instant
from orchestration.cli.terminal import print_line, shown_instant
from warehouse.contract.audit import Action, ActorKind
from warehouse.counted import counted
from warehouse.postgres.audit.reads import Asked, EntryRow, list_entries


def audit(
    *,
    since: Annotated[
        datetime | None,
        typer.Option(parser=utc_instant, metavar="DAY|INSTANT", help="Done since then (UTC).", show_default=False),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(parser=utc_instant, metavar="DAY|INSTANT", help="Done before then (UTC).", show_default=False),
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option(help="By this user, account or token (name or id), or kind, e.g. pipeline.", show_default=False),
    ] = None,
    action: Annotated[list[Action] | None, typer.Option(help="Of these alone. Repeatable.", show_default=False)] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="Done to this device, token, user, finding, day or command.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="So many of the newest.")] = 50,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List who did what, the newest first: every change by the API, its pages and the command line, but readings.

    Each entry was written in the transaction of its change, and none is ever changed or deleted.

    \b
        fleetwatt audit --since 2026-02-08 --actor maria
        fleetwatt audit --subject meter-7
        fleetwatt audit --action token.create --action token.revoke --json
    """
    asked = Asked(since, until, actor, action or (), subject, limit)
    with connected_to_home(home) as connection:
        page = list_entries(connection, asked)
    if as_json:
        print_json([_as_dict(row) for row in page.entries])
        return
    for row in page.entries:
        print_line(f"{shown_instant(row['happened_at'])} {row['action']} {_subject(row)}: {_whose(row)}")
        if change := _change(row):
            print_line(f"    {change}")
    if not page.entries:
        notes.print("nothing was done, or nothing of that")
    if page.next_before is not None:
        notes.print(f"there are more than {counted(limit, 'entry', 'entries')}: --limit shows them")


def _as_dict(row: EntryRow) -> dict[str, Any]:
    """As the API shows it: what is inside ``before`` and ``after`` stays as it was written."""
    actor = {"kind": row["actor_kind"], "name": row["actor_name"], "token_id": row["token_id"]}
    states = {name: None if row[name] is None else ByColumn(row[name]) for name in ("before", "after")}
    others = ("entry_id", "happened_at", "action", "subject_kind", "subject", "request_id", "address")
    return {"actor": actor, **{name: row[name] for name in others}, **states}


def _subject(row: EntryRow) -> str:
    return f"{row['subject_kind']} {row['subject']}"


def _whose(row: EntryRow) -> str:
    """Who it was, from where, by which request."""
    name = " ".join(filter(None, [row["actor_kind"], row["actor_name"], row["token_id"] and f"({row['token_id']})"]))
    on = "on" if row["actor_kind"] == ActorKind.COMMAND_LINE else "from"
    where = f" {on} {row['address']}" if row["address"] else ""
    return f"{name}{where}" + (f", request {row['request_id']}" if row["request_id"] else "")


def _change(row: EntryRow) -> str:
    """What is another one than before: ``name: was -> is``."""
    before, after = row["before"] or {}, row["after"] or {}
    names = dict.fromkeys([*before, *after])
    return ", ".join(_difference(name, before, after) for name in names if before.get(name) != after.get(name))


def _difference(name: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    is_now = _value(after[name]) if name in after else "gone"
    return f"{name}: {_value(before[name])} -> {is_now}" if name in before else f"{name}: {is_now}"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
