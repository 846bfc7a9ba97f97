"""``fleetwatt users``: the people who sign in to the API's pages."""

import sys
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from orchestration.cli.connected import connected_to_home
from orchestration.cli.json_output import print_json
from orchestration.cli.options import AsJson, Home, home_of_group, notes
from orchestration.cli.terminal import results, shown_instant
from warehouse.contract.redaction import keep_secret
from warehouse.contract.users import LONGEST_PASSWORD, Role, require_good_password
from warehouse.postgres.access.user_store import (
    FIRST_USER,
    User,
    add_user,
    change_password,
    change_role,
    disable_user,
    enable_user,
    list_users,
    remove_user,
)

users = typer.Typer(
    help="The people who sign in to the API's pages, by a password.\n\n"
    "A viewer may read; an operator also changes mappings, device settings and what becomes of findings; an "
    f"administrator may all. The first one:\n\n\b\n    {FIRST_USER}",
    no_args_is_help=True,
    add_completion=False,  # it is the whole command's
    rich_markup_mode=None,
)


users.callback()(home_of_group)

Name = Annotated[str, typer.Argument(metavar="NAME", help="As at the sign-in; capitals make no difference.")]
FromStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input (one line) instead of asking for it."),
]
EvenLast = Annotated[bool, typer.Option("--even-last", help="Though nobody can sign in as an administrator then.")]
RoleOption = Annotated[
    Role,
    typer.Option(
        "--role", help="viewer: read; operator: read, and mappings, settings, findings; admin: all.", show_default=False
    ),
]


@users.command()
def add(
    *, name: Name, role: RoleOption, from_stdin: FromStdin = False, home: Home = None, as_json: AsJson = False
) -> None:
    """Add a user. The password is asked for, twice, and shown nowhere.

    \b
        fleetwatt users add maria --role operator
        fleetwatt users add maria --role operator --password-stdin < FILE
    """
    password = _password(name, from_stdin=from_stdin)
    with connected_to_home(home) as connection:
        added = add_user(connection, name, role, password)
    _say(added, f"{added.name} may sign in as {added.role}", as_json=as_json)


@users.command("list")
def list_all(*, home: Home = None, as_json: AsJson = False) -> None:
    """List the users: what each may, and when each last signed in."""
    with connected_to_home(home) as connection:
        found = list_users(connection)
    if as_json:
        print_json([each.record() for each in found])
    elif not found:
        notes.print(f"there are none yet; add one: {FIRST_USER}")
    else:
        results().print(_table(found))


@users.command()
def passwd(*, name: Name, from_stdin: FromStdin = False, home: Home = None, as_json: AsJson = False) -> None:
    """Give a user another password. Where the user is signed in, that is over, and failed sign-ins are forgotten."""
    password = _password(name, from_stdin=from_stdin)
    with connected_to_home(home) as connection:
        user = change_password(connection, name, password)
    _say(user, f"{user.name} has another password, and signs in again everywhere", as_json=as_json)


@users.command()
def role(
    *,
    name: Name,
    becomes: Annotated[Role, typer.Argument(metavar="ROLE", help="viewer, operator or admin.")],
    even_last: EvenLast = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Have a user be a viewer, an operator or an administrator. Where the user is signed in, that is over.

    \b
        fleetwatt users role maria admin
    """
    with connected_to_home(home) as connection:
        user = change_role(connection, name, becomes, even_last=even_last)
    _say(user, f"{user.name} may sign in as {user.role}", as_json=as_json)


@users.command()
def disable(*, name: Name, even_last: EvenLast = False, home: Home = None, as_json: AsJson = False) -> None:
    """Let a user in no more, and end what is open, within seconds. What the user did stays; enable undoes it."""
    with connected_to_home(home) as connection:
        user = disable_user(connection, name, even_last=even_last)
    _say(user, f"{user.name} is disabled: every API refuses what was open within 5 s", as_json=as_json)


@users.command()
def enable(*, name: Name, home: Home = None, as_json: AsJson = False) -> None:
    """Let a user in again, and forget the failed sign-ins."""
    with connected_to_home(home) as connection:
        user = enable_user(connection, name)
    _say(user, f"{user.name} may sign in as {user.role}", as_json=as_json)


@users.command()
def remove(*, name: Name, even_last: EvenLast = False, home: Home = None, as_json: AsJson = False) -> None:
    """Remove a user for good, and end what is open, within seconds."""
    with connected_to_home(home) as connection:
        user = remove_user(connection, name, even_last=even_last)
    _say(user, f"{user.name} is removed", as_json=as_json)


def _password(name: str, *, from_stdin: bool) -> str:
    """What the user types, or gives as a line; looked at before any database is asked."""
    if from_stdin:
        password = sys.stdin.readline(4 * LONGEST_PASSWORD).rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        raise typer.BadParameter("there is no terminal to ask at; give it by --password-stdin", param_hint="password")
    keep_secret(password)
    require_good_password(password, name)
    return password


def _say(user: User, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(user.record())
    else:
        notes.print(what)


def _table(found: list[User]) -> Table:
    table = Table("name", "role", "made", "last signed in", "state", "signs in by", box=box.SIMPLE, pad_edge=False)
    for each in found:
        signed_in = shown_instant(each.signed_in_at) if each.signed_in_at else "not yet"
        table.add_row(
            each.name, each.role, f"{each.created_at:%Y-%m-%d}", signed_in, each.state, each.issuer or "password"
        )
    return table
