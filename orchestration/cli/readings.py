"""``fleetwatt readings``: what people say of false readings."""

from datetime import datetime
from typing import Annotated

import typer

from orchestration.cli.acting_user import By, who_acts
from orchestration.cli.connected import connected_to_home
from orchestration.cli.export_device import NamedDevice, OfKind
from orchestration.cli.json_output import print_json
from orchestration.cli.options import AsJson, Home, home_of_group, notes, utc_instant
from orchestration.cli.terminal import print_line, shown_instant
from warehouse.contract.corrections import Action
from warehouse.counted import counted
from warehouse.postgres.corrections.correction_store import (
    Corrected,
    StoredCorrection,
    correct_readings,
    list_corrections,
)
from warehouse.postgres.corrections.wanted import WantedCorrection
from warehouse.visible import one_line

readings = typer.Typer(
    help="Readings that are false, and what counts instead.\n\n"
    "What was received stays as it is; a correction says what counts, and another one takes that back:\n\n"
    '\b\n    fleetwatt readings correct meter-1 2026-02-08T04:00:00Z --void --why "a corrupt row"\n'
    "    fleetwatt readings corrections meter-1",
    no_args_is_help=True,
    add_completion=False,  # it is the whole command's
    rich_markup_mode=None,
)


readings.callback()(home_of_group)

_SAID = {Action.VOID: "left out", Action.REPLACE: "showed", Action.RESTORE: "as received"}


@readings.command()
def correct(  # noqa: PLR0913 - each is an argument or option
    device: NamedDevice,
    begin: Annotated[
        datetime, typer.Argument(parser=utc_instant, metavar="FROM", help="The timestamp of the first reading.")
    ],
    end: Annotated[
        datetime | None,
        typer.Argument(
            parser=utc_instant, metavar="TO", help="Excluded. Without it: the one reading.", show_default=False
        ),
    ] = None,
    *,
    void: Annotated[bool, typer.Option("--void", help="Leave these readings out.")] = False,
    kwh: Annotated[
        float | None, typer.Option(help="What the register showed (interval devices: the energy), kWh.")
    ] = None,
    restore: Annotated[bool, typer.Option("--restore", help="Have them count as they were received, again.")] = False,
    why: Annotated[str, typer.Option(help="It stays with the correction.")],
    by: By = None,
    kind: OfKind = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say that readings are false: leave them out, or say what they showed.

    Nothing that was received is rewritten. Answers follow at once, hours of today within minutes, and closed days are
    built again. Of each instant the last correction counts; the same again changes nothing.

    \b
    A corrupt row, an hour of them, a register that was read off by hand:
        fleetwatt readings correct meter-1 2026-02-08T04:00:00Z --void --why "a corrupt row"
        fleetwatt readings correct meter-1 2026-02-08T04:00Z 2026-02-08T05:00Z --void --why "the meter was opened"
        fleetwatt readings correct meter-1 2026-02-08T04:00:00Z --kwh 12034.5 --why "read off the display"
    Take it back:
        fleetwatt readings correct meter-1 2026-02-08T04:00:00Z --restore --why "it was right"
    Exit code: 0 it is said, or was already; 1 no such device, or no reading then.
    """
    wanted = WantedCorrection(
        device, begin, end, _action(void=void, kwh=kwh, restore=restore), kwh, why, who_acts(by), kind
    )
    with connected_to_home(home) as connection:
        done = correct_readings(connection, wanted)
    if as_json:
        print_json(done.correction.record() | {"reading_count": done.reading_count, "days": list(done.days)})
        return
    for line in _said(done):
        notes.print(line)


@readings.command()
def corrections(device: NamedDevice, *, kind: OfKind = None, home: Home = None, as_json: AsJson = False) -> None:
    """List what was said of a device's readings, in the order of saying it: of each instant the last word counts.

    \b
        fleetwatt readings corrections meter-1
    """
    with connected_to_home(home) as connection:
        found = list_corrections(connection, device, kind)
    if as_json:
        print_json([each.record() for each in found])
        return
    for each in found:
        print_line(_line(each))
    if not found:
        notes.print(f"no reading of {device} was ever corrected")


def _action(*, void: bool, kwh: float | None, restore: bool) -> Action:
    said = {Action.VOID: void, Action.REPLACE: kwh is not None, Action.RESTORE: restore}
    if sum(said.values()) != 1:
        raise typer.BadParameter("say one of --void, --kwh and --restore")
    return next(action for action, is_said in said.items() if is_said)


def _said(done: Corrected) -> list[str]:
    stored = done.correction
    if not done.is_new:
        return [f"that was said already, by {one_line(stored.who)} at {shown_instant(stored.made_at)}"]
    lines = [f"{counted(done.reading_count, 'reading')} of {stored.kind} {stored.device}: {_what(stored)}"]
    if done.days:
        lines.append(f"to be built again: {', '.join(map(str, done.days))}; Dagster does it, or fleetwatt run-day")
    return lines


def _line(stored: StoredCorrection) -> str:
    when = _exact(stored.starts_at)
    if not stored.is_of_one:
        when += f" to {_exact(stored.ends_at)}"
    who = f"{one_line(stored.who)}, {shown_instant(stored.made_at)}"
    return f"{stored.correction_id}  {when}: {_what(stored)} ({who}: {one_line(stored.why)})"


def _what(stored: StoredCorrection) -> str:
    said = _SAID[Action(stored.action)]
    return said if stored.kwh is None else f"{said} {stored.kwh:,.10g} kWh"


def _exact(at: datetime) -> str:
    """With its fraction of a second, if it has one: a reading is found by it."""
    return at.isoformat().replace("+00:00", "Z")
