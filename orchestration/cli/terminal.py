"""Text on its way to a terminal. What comes from outside (readings, files, logs, errors) could hold what a terminal
obeys: it could move the cursor, hide a line or type an answer. Here that is made visible instead.
"""

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import typer
from rich.console import Console
from rich.segment import Segment

from warehouse.visible import visible

NARROWEST = 20
"""Characters of a line, however few the terminal says it has."""


def print_line(text: str) -> None:
    """A line on stdout: as it is for a program, visible for a person."""
    typer.echo(visible(text) if sys.stdout.isatty() else text)


def shown_instant(at: datetime) -> str:
    """To the second, UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


class Terminal(Console):
    """rich's console, which writes styles of ours and nothing that a terminal obeys of what it is given.

    It is never narrower than ``NARROWEST``: some shells and containers say 0, and then nothing would be written at all.
    """

    def __init__(self, **options: Any) -> None:
        """As rich's."""
        super().__init__(**options)
        self.width = max(self.width, NARROWEST)

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        safe = (each if each.control else each._replace(text=visible(each.text)) for each in buffer)
        return super()._render_buffer(safe)


def results(wide: int = 200) -> Terminal:
    """A console for results on stdout: as wide as the terminal or ``COLUMNS`` says, where a program reads ``wide``."""
    is_read_by_a_person = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Terminal(highlight=False, markup=False, width=None if is_read_by_a_person else wide)
