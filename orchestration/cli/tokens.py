"""``fleetwatt tokens``: what machines prove themselves by."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from orchestration.cli.connected import connected_to_home
from orchestration.cli.json_output import as_json_line, print_json
from orchestration.cli.options import AsJson, Home, home_of_group, notes
from orchestration.cli.terminal import results, shown_instant
from warehouse.contract.durations import parse_duration
from warehouse.contract.redaction import write_as_it_is
from warehouse.contract.tokens import NewToken, Scope
from warehouse.postgres.access.token_store import (
    FIRST_TOKEN,
    OVERLAP,
    Token,
    TokenRequest,
    create_token,
    list_tokens,
    revoke_token,
    rotate_token,
)

tokens = typer.Typer(
    help="The tokens by which machines prove themselves to the API.\n\n"
    "A token is shown once, when it is made; only a hash of it is kept. The first one, which may make others:\n\n"
    f"\b\n    {FIRST_TOKEN}",
    no_args_is_help=True,
    add_completion=False,  # it is the whole command's
    rich_markup_mode=None,
)


tokens.callback()(home_of_group)

_SHOWN_DEVICES = 3


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


TokenId = Annotated[str, typer.Argument(metavar="ID", help="The 8 characters behind flt_.")]


@tokens.command()
def create(
    *,
    name: Annotated[str, typer.Option(help="Whose it is, in words: one for each machine.")],
    scope: Annotated[
        list[Scope],
        typer.Option(
            help="ingest: send readings; read: ask; operate: ask, and mappings, settings, findings; admin: all. "
            "Repeatable."
        ),
    ],
    devices: Annotated[
        list[str] | None,
        typer.Option(
            help="With ingest alone: only readings of this device, or of ids that begin so (site-7-*). Repeatable."
        ),
    ] = None,
    expires: Annotated[
        timedelta | None,
        typer.Option(parser=_duration, metavar="DAYS", help="Valid for so long, e.g. 90d. Default: no end."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, once: nobody can show it again.

    \b
    Of a charger that may send its own readings, for a quarter of a year:
        fleetwatt tokens create --name "charger 7" --scope ingest --devices meter-7 --expires 90d
    Of a dashboard:
        fleetwatt tokens create --name dashboard --scope read
    """
    request = TokenRequest(name, scope, devices or None, expires)
    with connected_to_home(home) as connection:
        made = create_token(connection, request)
    _show(made, f"{name} may {', '.join(sorted(set(scope)))}", as_json=as_json)


@tokens.command("list")
def list_all(*, home: Home = None, as_json: AsJson = False) -> None:
    """List the tokens: what each may, until when, and when it was last used (to the hour). None shows its secret."""
    with connected_to_home(home) as connection:
        found = list_tokens(connection)
    now = datetime.now(UTC)
    if as_json:
        print_json([each.record(now) for each in found])
    elif not found:
        notes.print(f"there are none yet; make one: {FIRST_TOKEN}")
    else:
        results().print(_table(found, now))


@tokens.command()
def revoke(*, token_id: TokenId, home: Home = None, as_json: AsJson = False) -> None:
    """Have a token open nothing any more, within seconds and for good.

    \b
    Of a charger that was stolen:
        fleetwatt tokens revoke k3Jd82Lq
    """
    with connected_to_home(home) as connection:
        revoked = revoke_token(connection, token_id)
    if as_json:
        print_json(revoked.record(datetime.now(UTC)))
    else:
        notes.print(f"{revoked.token_id} ({revoked.name}) is revoked: every API refuses it within 5 s")


@tokens.command()
def rotate(
    *,
    token_id: TokenId,
    overlap: Annotated[
        timedelta | None,
        typer.Option(parser=_duration, metavar="HOURS", help="The old one works for so long yet. Default: 24h."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a token that may the same as this one, and print it, once. The old one works a little longer.

    \b
    An hour to put the new one in its place:
        fleetwatt tokens rotate k3Jd82Lq --overlap 1h
    """
    overlap = OVERLAP if overlap is None else overlap
    with connected_to_home(home) as connection:
        made = rotate_token(connection, token_id, overlap)
    hours = overlap.total_seconds() / 3600
    _show(made, f"it takes the place of {token_id}, which works for {hours:g} h more at most", as_json=as_json)


def _show(made: NewToken, what: str, *, as_json: bool) -> None:
    """The only thing that goes to stdout is the token, so that it can be put into a file."""
    text = as_json_line(made.record()) if as_json else str(made)
    write_as_it_is(sys.stdout, f"{text}\n")
    notes.print(f"token {made.token_id}: {what}. It is shown this once: keep it where only its machine reads it")


def _table(found: list[Token], now: datetime) -> Table:
    table = Table(
        "id", "name", "may", "devices", "made", "expires", "last used", "state", box=box.SIMPLE, pad_edge=False
    )
    for each in found:
        table.add_row(
            each.token_id,
            each.name,
            ", ".join(each.scopes),
            _devices(each.devices),
            f"{each.created_at:%Y-%m-%d}",
            f"{each.expires_at:%Y-%m-%d %H:%M}" if each.expires_at else "never",
            shown_instant(each.last_used_at)[:13] + "h" if each.last_used_at else "not yet",
            each.state(now),
        )
    return table


def _devices(devices: list[str] | None) -> str:
    if devices is None:
        return "all"
    more = len(devices) - _SHOWN_DEVICES
    return ", ".join(devices[:_SHOWN_DEVICES]) + (f" and {more:,} more" if more > 0 else "")
