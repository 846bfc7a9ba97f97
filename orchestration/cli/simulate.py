"""``fleetwatt simulate``: sends a simulated fleet to an API and shows how it goes.

Progress goes to stderr, on a terminal as a bar and a line that renews itself, else as plain lines that a supervisor can
copy. Only the result (``--faults``) goes to stdout.
"""

import asyncio
import signal
import time
from datetime import UTC, datetime
from typing import Annotated

import httpx
import msgspec
import typer
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from orchestration.cli.options import Home, read_settings
from orchestration.cli.terminal import Terminal, visible
from warehouse.contract.readings import InvalidReadingError, parse_timestamp
from warehouse.counted import counted
from warehouse.settings import SecretSettings
from warehouse.simulation.fleet import DEFAULT_SEED, EPOCH, Fleet
from warehouse.simulation.ingest_client import RefusedError
from warehouse.simulation.progress import Totals
from warehouse.simulation.sender import Sender

LIVE_LINE_EVERY_S = 60.0
FILL_LINE_EVERY_S = 5.0
MOST_VEHICLES = 100_000


def simulate(  # noqa: PLR0913 - each is an option
    *,
    url: Annotated[str, typer.Option(help="The API to send to.")] = "http://127.0.0.1:3000",
    vehicles: Annotated[int, typer.Option(min=1, max=MOST_VEHICLES, help="Vehicles, each with a meter.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another fleet.")] = DEFAULT_SEED,
    since: Annotated[
        str,
        typer.Option(help="Fill from here on: today (midnight UTC), now (no filling), or an instant with an offset."),
    ] = "now",
    once: Annotated[bool, typer.Option("--once", help="Fill up to now, then stop.")] = False,
    faults: Annotated[bool, typer.Option("--faults", help="Print the faults that are built in, then stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --faults: as JSON.")] = False,
    admin_token: Annotated[
        str | None,
        typer.Option(help="To map vehicles to meters, where the API asks for it. Default: FLEET_ADMIN_TOKEN."),
    ] = None,
    home: Home = None,
) -> None:
    """Send a simulated fleet to an API: each vehicle and each meter once a minute, with faults that are known.

    Ctrl-C stops it. Started again with the same --since it goes on where it was.

    \b
    A fleet with a day behind it, then live:
        fleetwatt simulate --vehicles 100 --since today
    What a search for faults should find in it:
        fleetwatt simulate --vehicles 100 --faults
    Today so far in one go, for a test (seven days back is the most an API takes):
        fleetwatt simulate --since today --once
    """
    if as_json and not faults:
        raise typer.BadParameter("goes with --faults", param_hint="--json")
    if faults:
        _print_faults(Fleet(vehicles, seed), as_json=as_json)
        return
    _check_url(url)
    since_s = _since_s(since)
    secret = read_settings(SecretSettings, home=home, admin_token=admin_token).admin_token
    token = secret.get_secret_value() if secret else None
    console = Terminal(stderr=True, markup=False)
    screen = TerminalWatcher(console) if console.is_terminal else LineWatcher()
    screen.note(f"simulating {counted(vehicles, 'vehicle')} (seed {seed}) for {url}")
    sender = Sender(Fleet(vehicles, seed), url, since_s, screen, once=once, admin_token=token)
    try:
        asyncio.run(_run(sender))
    except RefusedError as refusal:
        screen.alarm(f"refused, giving up: {refusal}")
        raise typer.Exit(1) from refusal
    finally:
        screen.close()
        screen.note(f"in all: {_counts(sender.totals)}")
    if once and sender.totals.refused:
        raise typer.Exit(1)


async def _run(sender: Sender) -> None:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        for each in signals:
            loop.remove_signal_handler(each)  # a second Ctrl-C stops at once
        sender.stop()

    for each in signals:
        loop.add_signal_handler(each, stop)
    await sender.run()


class LineWatcher:
    """Plain single lines, for a log."""

    def __init__(self) -> None:
        self._line_at = float("-inf")

    def note(self, text: str) -> None:
        """One line."""
        typer.echo(visible(text), err=True)

    def alarm(self, text: str) -> None:
        """One line that can be searched for."""
        typer.echo(visible(f"WARNING: {text}"), err=True)

    def filling(self, done_ratio: float, totals: Totals) -> None:
        """A line each few seconds and at the end."""
        if done_ratio >= 1 or self._is_time(FILL_LINE_EVERY_S):
            self.note(f"filling {done_ratio:.0%}: {_counts(totals)}")

    def live(self, lag_s: float, totals: Totals) -> None:
        """A line a minute."""
        if self._is_time(LIVE_LINE_EVERY_S):
            self.note(_live(lag_s, totals))

    def close(self) -> None:
        """Nothing to put away."""

    def _is_time(self, every_s: float) -> bool:
        now = time.monotonic()
        if now - self._line_at < every_s:
            return False
        self._line_at = now
        return True


class TerminalWatcher:
    """A bar while filling, then one line that renews itself; notes scroll by above it."""

    def __init__(self, console: Terminal) -> None:
        self._console = console
        self._screen = Live(console=console, auto_refresh=False, transient=True)
        self._bar = Progress(
            TextColumn("filling"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[counts]}"),
        )
        self._fill = self._bar.add_task("", total=1.0, counts="")
        self._screen.start()

    def note(self, text: str) -> None:
        """One line."""
        self._console.print(Text(text))

    def alarm(self, text: str) -> None:
        """One red line."""
        self._console.print(Text(text, style="bold red"))

    def filling(self, done_ratio: float, totals: Totals) -> None:
        """Moves the bar."""
        if self._bar.tasks[0].finished:
            self._bar.reset(self._fill)
        self._bar.update(self._fill, completed=done_ratio, counts=_counts(totals))
        self._screen.update(self._bar.get_renderable(), refresh=True)

    def live(self, lag_s: float, totals: Totals) -> None:
        """Renews the line."""
        self._screen.update(Text(_live(lag_s, totals)), refresh=True)

    def close(self) -> None:
        """Gives the terminal back."""
        self._screen.stop()


def _counts(totals: Totals) -> str:
    text = (
        f"{totals.sent:,} sent, {totals.stored:,} stored, {counted(totals.duplicates, 'duplicate')}, "
        f"{counted(totals.retries, 'retry', 'retries')}"
    )
    return f"{text}, {totals.refused:,} REFUSED" if totals.refused else text


def _live(lag_s: float, totals: Totals) -> str:
    return f"live: {_counts(totals)}, lag {lag_s:.0f} s"


def _check_url(url: str) -> None:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise typer.BadParameter(f"{url} is not like http://127.0.0.1:3000", param_hint="--url")


def _since_s(since: str) -> float:
    now = datetime.now(UTC)
    if since == "now":
        return now.timestamp()
    if since == "today":
        return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    try:
        instant = parse_timestamp(since)
    except InvalidReadingError as error:
        raise typer.BadParameter(f"today, now, or an instant: {error.detail}", param_hint="--since") from error
    if not EPOCH <= instant <= now:
        raise typer.BadParameter(
            f"lies between {EPOCH:%Y-%m-%d}, where the simulated history begins, and now", param_hint="--since"
        )
    return instant.timestamp()


def _print_faults(fleet: Fleet, *, as_json: bool) -> None:
    faults = fleet.faults()
    if as_json:
        listed = [
            {
                "kind": fault.kind.value,
                "vehicleId": fault.vehicle_id,
                "meterId": fault.meter_id,
                "deviceId": fault.device_id,
                "since": f"{fault.since:%Y-%m-%dT%H:%M:%SZ}",
                "detail": fault.detail,
            }
            for fault in faults
        ]
        typer.echo(msgspec.json.format(msgspec.json.encode(listed), indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("DEVICE", "FAULT", "SINCE", "WHAT IT DOES"):
        table.add_column(heading, overflow="fold")
    for fault in faults:
        table.add_row(fault.device_id, fault.kind.value, f"{fault.since:%Y-%m-%d}", fault.detail)
    Terminal(markup=False).print(table)
