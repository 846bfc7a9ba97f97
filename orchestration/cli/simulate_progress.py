"""Where ``fleetwatt simulate`` tells how it goes: plain lines, or a bar and a line that renews itself."""

import time

import typer
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from orchestration.cli.terminal import Terminal
from warehouse.counted import counted
from warehouse.simulation.progress import Totals
from warehouse.visible import visible

LIVE_LINE_EVERY_S = 60.0
FILL_LINE_EVERY_S = 5.0


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
            self.note(f"filling {done_ratio:.0%}: {counts(totals)}")

    def writing(self, done_ratio: float, written: int) -> None:
        """A line each few seconds."""
        if done_ratio < 1 and self._is_time(FILL_LINE_EVERY_S):
            self.note(f"writing {done_ratio:.0%}: {counted(written, 'reading')}")

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
        self._bar.update(self._fill, completed=done_ratio, counts=counts(totals))
        self._screen.update(self._bar.get_renderable(), refresh=True)

    def live(self, lag_s: float, totals: Totals) -> None:
        """Renews the line."""
        self._screen.update(Text(_live(lag_s, totals)), refresh=True)

    def close(self) -> None:
        """Gives the terminal back."""
        self._screen.stop()


def counts(totals: Totals) -> str:
    """What has become of the readings, in words."""
    text = (
        f"{totals.sent:,} sent, {totals.stored:,} stored, {counted(totals.duplicates, 'duplicate')}, "
        f"{counted(totals.retries, 'retry', 'retries')}"
    )
    return f"{text}, {totals.refused:,} REFUSED" if totals.refused else text


def _live(lag_s: float, totals: Totals) -> str:
    return f"live: {counts(totals)}, lag {lag_s:.0f} s"
