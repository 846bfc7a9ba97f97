"""Exposures: who reads the datasets, outside of the lake. Declared in ``models/exposures.toml``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dbt_like_sql.declarations import suggestion
from dbt_like_sql.declared_keys import EXPOSURE
from dbt_like_sql.declared_tables import DeclaredTable, TableFile
from dbt_like_sql.model import Model, Problem

_LAYER = "layer:"


@dataclass(frozen=True)
class Exposure:
    """Somebody who reads datasets, or tables of PostgreSQL, and shows or sends what they say."""

    name: str
    kind: str
    owner: str
    description: str
    where: str
    """Its address or file: where somebody finds it."""
    reads: tuple[str, ...]
    """Datasets of the lake."""
    reads_tables: tuple[str, ...]
    """Tables of PostgreSQL, which no model makes."""
    path: Path
    line: int


def read_exposures(folder: Path, models: Mapping[str, Model]) -> tuple[Mapping[str, Exposure], list[Problem]]:
    """The exposures by name, in the order of the file, and what is wrong with them."""
    path = folder / "models" / "exposures.toml"
    file = TableFile("exposure", EXPOSURE, path.relative_to(folder.parent))
    found = {table.name: _exposure(file, table, models) for table in file.read(path)}
    return found, file.problems


def _exposure(file: TableFile, table: DeclaredTable, models: Mapping[str, Model]) -> Exposure:
    values = table.values
    tables = tuple(values.get("reads_tables", ()))
    named = values.get("reads", ())
    reads = {name for each in named for name in _datasets(file, table, each, models)}
    if not named and not tables:
        file.note(f"{table.name} reads nothing; name datasets in reads, or tables in reads_tables", table.name)
    return Exposure(
        name=table.name,
        kind=values["kind"],
        owner=values["owner"],
        description=values["description"],
        where=values["where"],
        reads=tuple(name for name in models if name in reads),
        reads_tables=tables,
        path=table.path,
        line=table.line,
    )


def _datasets(file: TableFile, table: DeclaredTable, named: str, models: Mapping[str, Model]) -> Iterator[str]:
    """A dataset, or all of a layer: ``layer:marts``."""
    found = [name for name, model in models.items() if named in (name, f"{_LAYER}{model.layer}")]
    if not found:
        layers = {f"{_LAYER}{model.layer}" for model in models.values()}
        near = suggestion(named, layers if named.startswith(_LAYER) else models)
        file.note(f"{table.name} reads {named}, which does not exist{near}", table.name, "reads")
    yield from found
