"""``fleetwatt alerts``: whether alerts reach anybody."""

from datetime import UTC, datetime

import typer

from orchestration.alerting.channel import Outcome
from orchestration.alerting.channels import channels_of
from orchestration.cli.json_output import print_json
from orchestration.cli.options import AsJson, Home, home_of_group, notes, read_settings
from orchestration.cli.terminal import print_line
from warehouse.alerts.message import Message
from warehouse.settings import FleetSettings

alerts = typer.Typer(
    help="Who is told of findings and failures.\n\nTry each channel that is set:\n\n\b\n    fleetwatt alerts test",
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
        notes.print(
            "no channel is set, so alerts are lines of the log alone; set FLEET_ALERT_WEBHOOK, "
            "FLEET_ALERT_SLACK_WEBHOOK, FLEET_ALERT_TEAMS_WEBHOOK or FLEET_ALERT_MAIL_TO"
        )
    if not outcomes or not all(outcome.is_taken for _, outcome in outcomes):
        raise typer.Exit(1)


def _words(outcome: Outcome) -> str:
    if outcome.problem:
        return f"it was not taken: {outcome.problem}"
    return f"taken, but {outcome.remark}" if outcome.remark else "taken"
