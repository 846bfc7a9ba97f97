"""What people do to a finding from the command line: one command an act."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import typer

from orchestration.cli.acting_user import By, who_acts
from orchestration.cli.findings.shown import in_short
from orchestration.cli.json_output import print_json
from orchestration.cli.options import AsJson, Home, read_settings, utc_instant
from orchestration.cli.terminal import print_line
from orchestration.home.database import current_database
from warehouse.contract.finding_fields import finding_fields
from warehouse.postgres.connection import connect
from warehouse.postgres.findings.acts import Act, Request, act_on_finding
from warehouse.postgres.findings.finding_reads import find_finding_id
from warehouse.settings import FleetSettings

FindingId = Annotated[
    str, typer.Argument(metavar="FINDING", help="Its id, or the beginning of it that findings list shows.")
]
_Note = Annotated[str | None, typer.Option("--note", "-m", help="Why; it stays with the finding.")]
_Revision = Annotated[
    int | None,
    typer.Option(min=1, help="Only if it is still at this revision: nobody was quicker.", show_default=False),
]
_Until = Annotated[
    datetime,
    typer.Option("--until", parser=utc_instant, metavar="DAY|INSTANT", help="Told again from then on (UTC)."),
]
_SAYS = {
    Act.ACKNOWLEDGE: "Say that somebody looks after it; it stays, and is told again only when it gets worse.",
    Act.ACCEPT: "Call it normal: from today on the losses of the pair are compared with what they are now.",
    Act.RESOLVE: "Say that it is repaired; what the rules still find of it comes back by itself.",
    Act.REOPEN: "Open it again.",
    Act.NOTE: "Write a note to it.",
}
_EXAMPLES = {
    Act.ACKNOWLEDGE: 'fleetwatt findings acknowledge 3f2a9c01 --note "the fan is ordered"',
    Act.ACCEPT: 'fleetwatt findings accept 3f2a9c01 --note "a longer cable since March"',
    Act.RESOLVE: 'fleetwatt findings resolve 3f2a9c01 --note "the contactor was replaced"',
    Act.REOPEN: "fleetwatt findings reopen 3f2a9c01",
    Act.NOTE: 'fleetwatt findings note 3f2a9c01 --note "the driver says it hums"',
}


def add_acts(group: typer.Typer) -> None:
    """Add a command for each act."""
    for act, says in _SAYS.items():
        group.command(act.value, help=f"{says}\n\n\b\n    {_EXAMPLES[act]}")(_plain(act))
    group.command(Act.SNOOZE.value)(snooze)
    group.command(Act.ASSIGN.value)(assign)


def _plain(act: Act) -> Callable[..., None]:
    """The command of an act that says nothing but a note."""

    def command(
        finding: FindingId,
        *,
        note: _Note = None,
        by: By = None,
        revision: _Revision = None,
        home: Home = None,
        as_json: AsJson = False,
    ) -> None:
        _do(act, finding, home=home, as_json=as_json, by=by, note=note, revision=revision)

    return command


def snooze(
    finding: FindingId,
    *,
    until: _Until,
    note: _Note = None,
    by: By = None,
    revision: _Revision = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Let it rest until a day; no alert is sent of it meanwhile.

    \b
        fleetwatt findings snooze 3f2a9c01 --until 2027-01-15 --note "the technician comes in January"
    """
    _do(Act.SNOOZE, finding, home=home, as_json=as_json, by=by, note=note, revision=revision, until=until)


def assign(
    finding: FindingId,
    *,
    to: Annotated[str | None, typer.Option("--to", help="Whose it is; without it, nobody's.")] = None,
    note: _Note = None,
    by: By = None,
    revision: _Revision = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say who looks after it, or, without --to, that nobody does.

    \b
        fleetwatt findings assign 3f2a9c01 --to ben
    """
    _do(Act.ASSIGN, finding, home=home, as_json=as_json, by=by, note=note, revision=revision, to=to)


def _do(act: Act, finding: str, *, home: Home, as_json: bool, by: str | None, **said: Any) -> None:
    settings = read_settings(FleetSettings, home=home)
    request = Request(act, who_acts(by), **said)
    with connect(current_database(settings)) as connection:
        row = act_on_finding(connection, find_finding_id(connection, finding), request)
    if as_json:
        print_json(finding_fields(row))
        return
    for line in in_short(row):
        print_line(line)
