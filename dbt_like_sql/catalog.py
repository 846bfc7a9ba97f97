"""The catalog: every dataset of the lake, read from the text in this folder, checked as a whole, in one order.

``Catalog.load`` reads declarations and SQL, ties every name to what it means, and either returns a ``Catalog`` or
raises one ``CatalogError`` that lists everything that is wrong, with file and line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from pathlib import Path

from dbt_like_sql.declarations import suggestion
from dbt_like_sql.declared_keys import LAYERS
from dbt_like_sql.exposures import Exposure, read_exposures
from dbt_like_sql.loading import Loader
from dbt_like_sql.metrics import Metric
from dbt_like_sql.model import CatalogError, Check, Column, ColumnSource, Model, Problem

__all__ = ["Catalog", "CatalogError", "Check", "Column", "ColumnSource", "Exposure", "Metric", "Model", "Problem"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Catalog:
    """All datasets by name."""

    models: Mapping[str, Model] = field(repr=False)
    exposures: Mapping[str, Exposure] = field(default_factory=dict, repr=False)
    """Who reads them, by name."""
    folder: Path = FOLDER
    """Where they were read."""
    metrics: Mapping[str, Metric] = field(default_factory=dict, repr=False)
    """Numbers with one formula each, by name."""

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Catalog":
        """Read the models in ``folder/models`` and the checks in ``folder/checks``.

        A process reads them once, most of a second, until one of their files is another.

        Raises:
            CatalogError: something is wrong; it lists all of it.
        """
        return _loaded(folder, _content(folder))

    def in_order(self) -> tuple[Model, ...]:
        """Each dataset after everything it depends on; by layer and name where that leaves a choice."""
        return self._ordered

    def find(self, name: str) -> Model:
        """The dataset of this name.

        Raises:
            LookupError: there is none; it suggests the nearest.
        """
        if name not in self.models:
            raise LookupError(f"no dataset is called {name}{suggestion(name, self.models)}")
        return self.models[name]

    def used_by(self, name: str) -> tuple[str, ...]:
        """The datasets that read this one directly, in order."""
        return tuple(model.name for model in self.in_order() if name in model.depends_on)

    def metrics_of(self, name: str) -> tuple[Metric, ...]:
        """The metrics that are columns of a dataset."""
        return tuple(each for each in self.metrics.values() if each.name in self.models[name].column_lineage)

    def exposed_by(self, name: str) -> tuple[Exposure, ...]:
        """Who reads this dataset outside of the lake."""
        return tuple(each for each in self.exposures.values() if name in each.reads)

    def upstream(self, name: str) -> frozenset[str]:
        """Everything that this dataset is made from, however far up."""
        direct = self.models[name].depends_on
        return frozenset(direct).union(*(self.upstream(each) for each in direct))

    def with_downstream(self, names: Iterable[str]) -> tuple[str, ...]:
        """These datasets and whatever is made from them, in order."""
        wanted = set(names)
        return tuple(each.name for each in self.in_order() if wanted & {each.name, *self.upstream(each.name)})

    @property
    def release_log(self) -> Model | None:
        """The dataset that a day's release writes; ``None`` in a catalog without one."""
        return next((model for model in self.models.values() if model.kind == "release"), None)

    @property
    def lookbacks(self) -> tuple[tuple[str, str, int], ...]:
        """Each model that looks back, with each dataset that it reads, and how many days back."""
        return tuple(
            (model.name, read, model.lookback_days)
            for model in self.in_order()
            if model.lookback_days
            for read in model.depends_on
        )

    @cached_property
    def _ordered(self) -> tuple[Model, ...]:
        # What a release writes is made from whatever there is, in a catalog of fewer models too.
        sorter = TopologicalSorter(
            {name: [each for each in model.depends_on if each in self.models] for name, model in self.models.items()}
        )
        sorter.prepare()
        ordered: list[Model] = []
        ready: list[tuple[int, str]] = []
        while sorter.is_active():
            for name in sorter.get_ready():
                heappush(ready, (LAYERS.index(self.models[name].layer), name))
            _, first = heappop(ready)
            ordered.append(self.models[first])
            sorter.done(first)
        return tuple(ordered)


def _content(folder: Path) -> tuple[tuple[Path, bytes], ...]:
    """All that a catalog is read from."""
    found = [path for kind in ("csv", "sql", "toml") for path in folder.rglob(f"*.{kind}")]
    return tuple((path, _bytes(path)) for path in sorted(found))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:  # a folder of such a name, a file of somebody else's: whoever reads its text notes it
        return str(error).encode()


@lru_cache(maxsize=4)
def _loaded(folder: Path, content: tuple[tuple[Path, bytes], ...]) -> Catalog:  # noqa: ARG001 - told apart by it
    loader = Loader(folder)
    models = loader.load()
    exposures, problems = read_exposures(folder, models)
    if loader.problems or problems:
        raise CatalogError([*loader.problems, *problems])
    return Catalog(models, exposures, folder, loader.metrics)
