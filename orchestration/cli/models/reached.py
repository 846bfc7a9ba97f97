"""Which exposures a change of the models reaches: who would read other numbers than before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dbt_like_sql.catalog import Catalog, Exposure
from orchestration.cli.options import notes
from orchestration.cli.terminal import print_line
from warehouse.counted import counted
from warehouse.lake.model_effects import Effect


@dataclass(frozen=True)
class Reached:
    """An exposure, and what it reads that differs, or may: what is made from it and was not compared."""

    exposure: Exposure
    datasets: tuple[str, ...]


def reached_exposures(catalog: Catalog, effects: Sequence[Effect]) -> list[Reached]:
    """Who reads what these effects change, directly or by way of what was not rebuilt with it."""
    compared = {effect.model.name for effect in effects if not effect.missing}
    differing = {effect.model.name for effect in effects if not effect.missing and not effect.is_none}
    below = {name for name in catalog.with_downstream(differing) if catalog.models[name].kind == "sql"}
    reached = differing | (below - compared)
    found = ((each, tuple(name for name in each.reads if name in reached)) for each in catalog.exposures.values())
    return [Reached(exposure, datasets) for exposure, datasets in found if datasets]


def print_reached(found: Sequence[Reached]) -> None:
    """A line for each; nothing where nobody reads what changes."""
    if found:
        notes.print(f"This reaches {counted(len(found), 'exposure')}:")
    for each in found:
        exposure = each.exposure
        print_line(f"{exposure.name} ({exposure.where}; owned by {exposure.owner}) reads {', '.join(each.datasets)}")


def reached_as_dict(reached: Reached) -> dict[str, Any]:
    """For programs."""
    exposure = reached.exposure
    return {
        "name": exposure.name,
        "kind": exposure.kind,
        "owner": exposure.owner,
        "where": exposure.where,
        "datasets": reached.datasets,
    }
