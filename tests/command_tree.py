"""Every command of the command line, by its whole name."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from orchestration.cli.commands import app


def leaves(command: Any, name: str = "fleetwatt") -> Iterator[tuple[str, Any]]:
    """Every command that does something."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for each in command.commands:
        yield from leaves(command.commands[each], f"{name} {each}")


COMMANDS = dict(leaves(get_command(app)))
