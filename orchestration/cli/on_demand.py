"""Commands that are imported when they are run: the engines that some of them need take a second to load."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command


class _Commands(Mapping[str, Any]):
    """The commands by name, made when they are looked up."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> Any:
        module, attribute = self._places[name].split(":")
        found = getattr(import_module(f"orchestration.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            return get_command(found)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name)(found)
        return get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def group_on_demand(places: Mapping[str, str]) -> type[TyperGroup]:
    """A class for a Typer app whose commands stand at these places: ``module:attribute`` below ``orchestration.cli``.

    An attribute is a command's function, or a Typer app with commands of its own.
    """

    class OnDemand(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**{**attributes, "commands": _Commands(places)})

    return OnDemand
