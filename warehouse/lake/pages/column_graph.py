"""Where the columns of one dataset come from, back to what has no SELECT, and which columns they go into next."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from dbt_like_sql.catalog import Catalog, ColumnSource
from dbt_like_sql.model import DAY_COLUMN
from warehouse.lake.pages.drawing import Card, Line, Picture, Row, draw_right
from warehouse.lake.provenance import TABLES_OF_POSTGRES

Edge = tuple[ColumnSource, ColumnSource]

_TABLE = "PostgreSQL"


def draw_columns(catalog: Catalog, name: str) -> Picture:
    """The picture of one dataset. Its n-th column, and each line that it has a part in, are of the class ``c<n>``."""
    return _ColumnGraph(catalog, name).draw()


@dataclass
class _ColumnGraph:
    catalog: Catalog
    focus: str
    _edges: dict[Edge, list[int]] = field(default_factory=lambda: defaultdict(list))
    """The columns of the dataset, by number, that have a part in it."""
    _ranks: dict[str, int] = field(default_factory=dict)

    def draw(self) -> Picture:
        model = self.catalog.models[self.focus]
        for number, column in enumerate(model.columns):
            for edge in dict.fromkeys([*self._above(self.focus, column.name), *self._below(column.name)]):
                self._edges[edge].append(number)
        self._rank()
        cards = [self._card(name) for name in self._ranks]
        lines = [
            Line(source.dataset, target.dataset, source.column, target.column, " ".join(f"c{each}" for each in numbers))
            for (source, target), numbers in self._edges.items()
        ]
        return draw_right([*cards, *self._tables()], [*lines, *self._bare_lines()])

    def _above(self, dataset: str, column: str) -> Iterator[Edge]:
        for source in self.catalog.models[dataset].column_lineage.get(column, ()):
            yield source, ColumnSource(dataset, column)
            yield from self._above(*source)

    def _below(self, column: str) -> Iterator[Edge]:
        source = ColumnSource(self.focus, column)
        for name in self.catalog.used_by(self.focus):
            for target, sources in self.catalog.models[name].column_lineage.items():
                if source in sources:
                    yield source, ColumnSource(name, target)

    def _rank(self) -> None:
        """Each dataset left of all that it has an edge to; what reads the dataset itself, right of it."""
        self._ranks = dict.fromkeys(self.catalog.used_by(self.focus), 1) | {self.focus: 0}
        targets: dict[str, set[str]] = {name: {self.focus} for name in self.catalog.models[self.focus].depends_on}
        for source, target in self._edges:
            targets.setdefault(source.dataset, set()).add(target.dataset)
        for name in TopologicalSorter(targets).static_order():
            if name not in self._ranks:
                self._ranks[name] = min(self._ranks[target] for target in targets[name]) - 1

    def _card(self, name: str) -> Card:
        model = self.catalog.models[name]
        shown = {end.column for edge in self._edges for end in edge if end.dataset == name}
        columns = [column.name for column in model.columns if name == self.focus or column.name in shown]
        if DAY_COLUMN in shown:
            columns.append(DAY_COLUMN)
        rows = [
            # Its own columns are chosen by a tap, which must not lead away from the picture.
            Row(column, f"{name}.html#lines-of-{column}", f"c{number}", f"lines-of-{column}")
            if name == self.focus
            else Row(column, f"{name}.html#{column}")
            for number, column in enumerate(columns)
        ]
        look = "focus" if name == self.focus else model.layer
        return Card(name, name, self._ranks[name], f"{name}.html", look, rows=rows)

    def _tables(self) -> list[Card]:
        """The table of PostgreSQL that the dataset is exported from."""
        if self.focus not in TABLES_OF_POSTGRES:
            return []
        return [Card(_TABLE, f"{_TABLE}: {self.focus}", -1, look="table")]

    def _bare_lines(self) -> Iterator[Line]:
        """Datasets that are read, and no column is computed from theirs: they filter, join, or have no SELECT."""
        if self.focus in TABLES_OF_POSTGRES:
            yield Line(_TABLE, self.focus, look="bare")
        joined = {(source.dataset, target.dataset) for source, target in self._edges}
        for name in self.catalog.models[self.focus].depends_on:
            if (name, self.focus) not in joined:
                yield Line(name, self.focus, look="bare")
        for name in self.catalog.used_by(self.focus):
            if (self.focus, name) not in joined:
                yield Line(self.focus, name, look="bare")
