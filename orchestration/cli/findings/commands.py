"""``fleetwatt findings``: what wastes energy or is wrong with the data, and what people make of it."""

from datetime import date
from typing import Annotated

import typer

from orchestration.cli.findings.acting import FindingId, add_acts
from orchestration.cli.findings.shown import in_full, in_short
from orchestration.cli.json_output import print_json
from orchestration.cli.options import AsJson, Home, home_of_group, notes, read_settings, utc_day
from orchestration.cli.terminal import print_line
from orchestration.home.database import current_database
from warehouse.contract.finding_fields import finding_fields
from warehouse.contract.findings import ACTIVE, Rule, Severity, State
from warehouse.contract.readings import DEVICE_ID_WORDS, is_device_id
from warehouse.counted import counted
from warehouse.postgres.connection import connect
from warehouse.postgres.findings.finding_reads import (
    Asked,
    Sort,
    find_finding,
    find_finding_id,
    list_events,
    list_findings,
)
from warehouse.settings import FleetSettings

findings = typer.Typer(
    help="What wastes energy or is wrong with the data, since when, and what it costs.\n\n"
    "See what is open, look at one, and say what you do about it:\n\n"
    "\b\n    fleetwatt findings list\n    fleetwatt findings show 3f2a9c01\n"
    '    fleetwatt findings acknowledge 3f2a9c01 --note "the fan is ordered"',
    no_args_is_help=True,
    add_completion=False,  # it is the whole command's
    rich_markup_mode=None,
)


findings.callback()(home_of_group)


def _device_id(given: str | None) -> str | None:
    if given is not None and not is_device_id(given):
        raise typer.BadParameter(f"a device id is {DEVICE_ID_WORDS}")
    return given


@findings.command("list")
def list_(  # noqa: PLR0913 - each is an option
    *,
    state: Annotated[list[State] | None, typer.Option(help="Of these alone. Default: what is not over.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="What is accepted or resolved, too.")] = False,
    rule: Annotated[list[Rule] | None, typer.Option(help="Of these alone, e.g. R1.")] = None,
    severity: Annotated[list[Severity] | None, typer.Option(help="Of these alone.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="Of this vehicle or meter.", callback=_device_id, show_default=False)
    ] = None,
    min_cost: Annotated[
        float | None, typer.Option("--min-cost-per-month", min=0, help="That cost so much.", show_default=False)
    ] = None,
    since: Annotated[
        date | None, typer.Option(parser=utc_day, metavar="DAY", help="Found since then.", show_default=False)
    ] = None,
    sort: Annotated[Sort, typer.Option(help="The most of it comes first.")] = Sort.COST_PER_MONTH,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most findings.")] = 50,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List findings, the most expensive first: which rule, of whom, what it costs.

    \b
        fleetwatt findings list --rule R1 --min-cost-per-month 10
        fleetwatt findings list --all --since 2026-11-01 --json
    """
    if state and everything:
        raise typer.BadParameter("--state and --all exclude each other")
    asked = Asked(
        states=() if everything else state or ACTIVE,
        rules=rule or (),
        severities=severity or (),
        subject=subject,
        min_cost_per_month=min_cost,
        since=since,
        sort=sort,
        limit=limit,
    )
    settings = read_settings(FleetSettings, home=home)
    with connect(current_database(settings)) as connection:
        page = list_findings(connection, asked)
    if as_json:
        print_json([finding_fields(each) for each in page.findings])
        return
    for each in page.findings:
        for line in in_short(each):
            print_line(line)
    if not page.findings:
        notes.print("nothing is found; what was looked for, and from when on, is in docs/findings.md")
    if page.next_cursor:
        notes.print(f"there are more than {counted(limit, 'finding')}: --limit shows them")


@findings.command()
def show(finding: FindingId, *, home: Home = None, as_json: AsJson = False) -> None:
    """Show one finding: since when, how much, whose fault, what would decide it, and what happened to it.

    \b
        fleetwatt findings show 3f2a9c01
    """
    settings = read_settings(FleetSettings, home=home)
    with connect(current_database(settings)) as connection:
        row = find_finding(connection, find_finding_id(connection, finding))
        events = list_events(connection, row["finding_id"])
    if as_json:
        print_json({**finding_fields(row), "events": events})
        return
    for line in in_full(row, events):
        print_line(line)


add_acts(findings)
