"""``fleetwatt alerts``: whether alerts reach anybody, and what became of each."""

import dataclasses
from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestration.alerting.channel import Outcome
from orchestration.alerting.channels import channels_of
from orchestration.alerting.finding_alerts import alert_of_findings
from orchestration.cli.by_hand import note_run
from orchestration.cli.json_output import print_json
from orchestration.cli.options import AsJson, Home, home_of_group, notes, read_settings
from orchestration.cli.terminal import print_line, shown_instant
from orchestration.home.database import current_database, database
from warehouse.alerts.message import Message
from warehouse.counted import counted
from warehouse.postgres.alerts.deliveries import DeliveryState, list_deliveries, revive_dead
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings
from warehouse.visible import visible

_NO_CHANNEL = (
    "no channel is set, so alerts are lines of the log alone; set FLEET_ALERT_WEBHOOK, FLEET_ALERT_SLACK_WEBHOOK, "
    "FLEET_ALERT_TEAMS_WEBHOOK or FLEET_ALERT_MAIL_TO"
)

alerts = typer.Typer(
    help="Who is told of findings and failures.\n\n"
    "Try each channel that is set, then see what was delivered of findings:\n\n"
    "\b\n    fleetwatt alerts test\n    fleetwatt alerts list",
    no_args_is_help=True,
    add_completion=False,  # it is the whole command's
    rich_markup_mode=None,
)


alerts.callback()(home_of_group)


@alerts.command()
def test(*, home: Home = None, as_json: AsJson = False) -> None:
    """Send a message to each channel that is set, and say what happened. It needs no database.

    \b
    Exit code: 0 each channel took it, 1 one did not, or none is set.
        FLEET_ALERT_SLACK_WEBHOOK=https://hooks.slack.com/services/... fleetwatt alerts test
    """
    channels = channels_of(read_settings(FleetSettings, home=home))
    now = datetime.now(UTC)
    text = "This is a test of Fleetwatt's alerts. Whoever reads it is told of findings, failed runs and full disks."
    message = Message("test", "Fleetwatt: a test of its alerts", text, at=now)
    outcomes = [(channel, channel.send(message, now)) for channel in channels]
    if as_json:
        print_json(
            [
                {
                    "channel": channel.name,
                    "setting": channel.setting,
                    "isTaken": outcome.is_taken,
                    "problem": outcome.problem,
                    "remark": outcome.remark,
                }
                for channel, outcome in outcomes
            ]
        )
    else:
        for channel, outcome in outcomes:
            print_line(f"{channel.name} ({channel.setting}): {_words(outcome)}")
    if not outcomes:
        notes.print(_NO_CHANNEL)
    if not outcomes or not all(outcome.is_taken for _, outcome in outcomes):
        raise typer.Exit(1)


@alerts.command("list")
def list_(
    *,
    most: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="So many of the newest.")] = 20,
    state: Annotated[DeliveryState | None, typer.Option(help="Of these alone; dead: given up after a day.")] = None,
    attempts: Annotated[bool, typer.Option("--attempts", help="Show each attempt, too.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List the messages of findings, the newest first: to which channel, how often it was tried, what came of it.

    \b
        fleetwatt alerts list --state dead --attempts
    """
    settings = read_settings(FleetSettings, home=home)
    with connect(current_database(settings)) as connection:
        found = list_deliveries(connection, most, state)
    if as_json:
        print_json([dataclasses.asdict(each) for each in found])
        return
    for each in found:
        when = "" if each.next_attempt_at is None else f", again from {shown_instant(each.next_attempt_at)} on"
        tried = f"{counted(each.attempts, 'attempt')}: {each.said}" if each.said else "not tried yet"
        print_line(f"{shown_instant(each.created_at)} {each.channel} {each.state}{when}; {tried}")
        print_line(f"    {visible(each.subject)} ({each.idempotency_key})")
        for attempt in each.log if attempts else ():
            print_line(f"    {shown_instant(attempt.ended_at)} {attempt.said}")
    if not found:
        notes.print("no message was put on its way")


@alerts.command()
def send(
    *,
    dead: Annotated[bool, typer.Option("--dead", help="Also what was given up, for another day.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Tell what is to be told of findings, and send what is due: what Dagster does by itself.

    Safe to repeat, and beside Dagster: a message is put on its way once a channel.

    \b
        fleetwatt alerts send --dead
    """
    settings = read_settings(FleetSettings, home=home)
    channels = channels_of(settings)
    with database(settings) as url, connect(url) as connection:
        note_run(connection, "alerts send", dead=dead)
        revived = revive_dead(connection, datetime.now(UTC)) if dead else 0
        done = alert_of_findings(connection, channels, settings, lambda: datetime.now(UTC))
    if as_json:
        print_json({"revived": revived, **dataclasses.asdict(done.decided), **dataclasses.asdict(done.sent)})
        return
    if not channels:
        notes.print(_NO_CHANNEL)
    notes.print(
        f"{counted(done.decided.events, 'event')} looked at, {counted(done.decided.messages, 'new message')}; "
        f"{done.sent.sent} sent, {done.sent.put_off} to be tried again, {done.sent.given_up} given up"
    )


def _words(outcome: Outcome) -> str:
    if outcome.problem:
        return f"it was not taken: {outcome.problem}"
    return f"taken, but {outcome.remark}" if outcome.remark else "taken"
