"""Reads the whole folder and ties it together: which dataset reads which, and whether every name means something."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import MappingProxyType

from dbt_like_sql.check_loading import CheckLoader
from dbt_like_sql.declarations import Declaration, Reader, suggestion
from dbt_like_sql.declared_keys import LAYERS
from dbt_like_sql.metrics import Metric, other_formulas, read_metrics
from dbt_like_sql.model import DAY_COLUMN, Check, ColumnSource, Model, Problem
from dbt_like_sql.seeds import LAYER as SEEDS_LAYER
from dbt_like_sql.seeds import Seed, select_of_rows
from dbt_like_sql.statements import Schema, Statement
from dbt_like_sql.text_files import read_text
from dbt_like_sql.unread_files import unread_files

Lineage = Mapping[str, tuple[ColumnSource, ...]]


@dataclass
class Loader:
    """Reads ``models``, ``seeds`` and ``checks``. What is wrong is noted in ``problems``, and reading goes on."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    _declarations: dict[str, Declaration] = field(default_factory=dict)
    _statements: dict[str, Statement] = field(default_factory=dict)
    _seeds: dict[str, Seed] = field(default_factory=dict)
    _depends_on: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _unreadable: set[Path] = field(default_factory=set)
    """Declarations that are no TOML."""

    def load(self) -> Mapping[str, Model]:
        """The datasets by name. Only to be used where ``problems`` stays empty."""
        self._read_declarations()
        if self._unreadable:  # whatever else would be said of its models follows from that
            self.problems = [problem for problem in self.problems if problem.path in self._unreadable]
            return {}
        self._read_statements()
        self._find_dependencies()
        self._find_cycles()
        schema = {
            name: {**{column.name: column.type for column in declared.columns.values()}, DAY_COLUMN: "DATE"}
            for name, declared in self._declarations.items()
        }
        self.metrics, problems = read_metrics(self.folder, self._declarations)
        self.problems += problems
        checks = CheckLoader(self.folder, schema, self._depends_on, self.metrics if not problems else {})
        models = {
            name: self._model(declared, self._lineage(name, schema), checks.of(declared))
            for name, declared in self._declarations.items()
        }
        checks.find_unused()
        self.problems += [*checks.problems, *other_formulas(self.metrics, models), *unread_files(self.folder)]
        return MappingProxyType(models)

    def _read_declarations(self) -> None:
        sources = self.folder / "models" / "sources.toml"
        seeds = sorted(self.folder.glob("seeds/seeds.toml"))
        for path in [sources, *seeds, *sorted(self.folder.glob("models/*/models.toml"))]:
            shown = path.relative_to(self.folder.parent)
            if not path.exists():
                self._problem(shown, 1, "the file does not exist; it declares what the models read and do not make")
                continue
            layer = None if path == sources else SEEDS_LAYER if path in seeds else path.parent.name
            if layer and layer not in LAYERS:
                self._problem(shown, 1, f"{path.parent.name} is no layer; folders are called {', '.join(LAYERS[1:])}")
                continue
            reader = Reader(shown, layer)
            for declared in reader.read(read_text(path, shown, self.problems)):
                if path in seeds and declared.lookback_days:
                    self._problem(declared.path, declared.line, f"{declared.name} is a seed, and looks back on no day")
                if first := self._declarations.get(declared.name):
                    where = f"{first.path}:{first.line}"
                    self._problem(declared.path, declared.line, f"{declared.name} is declared twice; first in {where}")
                else:
                    self._declarations[declared.name] = declared
            self.problems += reader.problems
            if reader.is_unreadable:
                self._unreadable.add(shown)

    def _read_statements(self) -> None:
        for path in sorted([*self.folder.glob("models/*/*.sql"), *self.folder.glob("seeds/*.csv")]):
            name, shown = path.stem, path.relative_to(self.folder.parent)
            declared = self._declarations.get(name)
            if first := self._seeds.get(name) or self._statements.get(name):
                self._problem(shown, 1, f"{name} is there twice; first as {first.path}")
            elif declared is None:
                near = suggestion(name, self._declarations)
                declarations = shown.parent / ("seeds.toml" if shown.suffix == ".csv" else "models.toml")
                self._problem(shown, 1, f"{name} is not declared in {declarations}{near}")
            elif declared.kind != "sql" or declared.path.parent != shown.parent:
                self._problem(shown, 1, f"{name} is declared elsewhere, in {declared.path}:{declared.line}")
            else:
                text = read_text(path, shown, self.problems)
                if shown.suffix == ".csv":
                    select = select_of_rows(text, shown, declared.columns, self.problems)
                    self._seeds[name] = Seed(shown, select)
                else:
                    self._statements[name] = Statement(shown, text)
        for name, declared in self._declarations.items():
            if declared.kind == "sql" and name not in self._statements and name not in self._seeds:
                kind = "csv" if declared.path.name == "seeds.toml" else "sql"
                self._problem(declared.path, declared.line, f"{name} has no {declared.path.parent / name}.{kind}")

    def _find_dependencies(self) -> None:
        for name, declared in self._declarations.items():
            for each in declared.depends_on:
                if each not in self._declarations:
                    near = suggestion(each, self._declarations)
                    self._problem(declared.path, declared.line, f"{name} depends on {each}, which does not exist{near}")
            known = [each for each in declared.depends_on if each in self._declarations]
            if statement := self._statements.get(name):
                known = self._known_references(statement)
            self._depends_on[name] = tuple(known)
        read = {each for known in self._depends_on.values() for each in known}
        for name, declared in self._declarations.items():
            if declared.kind == "release":  # of everything, and so of whatever nothing else is made from
                others = [each for each, of in self._declarations.items() if of.kind != "release" and each not in read]
                self._depends_on[name] = tuple(sorted(others))

    def _known_references(self, statement: Statement) -> list[str]:
        for reference in statement.references:
            if reference.dataset not in self._declarations:
                near = suggestion(reference.dataset, self._declarations)
                self._problem(statement.path, reference.line, f"{reference.dataset} does not exist{near}")
        return [each.dataset for each in statement.references if each.dataset in self._declarations]

    def _find_cycles(self) -> None:
        graph = {name: list(each) for name, each in self._depends_on.items()}
        while True:
            try:
                TopologicalSorter(graph).prepare()
            except CycleError as error:
                # It lists predecessors first, so read from its end: each model, then what it reads.
                cycle: list[str] = error.args[1][::-1]
                reader, read = cycle[0], cycle[1]
                path, line = self._place_of_dependency(reader, read)
                self._problem(path, line, f"a cycle: {' reads '.join(cycle)}")
                graph[reader].remove(read)
            else:
                return

    def _place_of_dependency(self, name: str, dependency: str) -> tuple[Path, int]:
        declared, statement = self._declarations[name], self._statements.get(name)
        for reference in statement.references if statement else ():
            if statement and reference.dataset == dependency:
                return statement.path, reference.line
        return declared.path, declared.line

    def _lineage(self, name: str, schema: Schema) -> Lineage:
        declared, statement = self._declarations[name], self._statements.get(name)
        if statement is None:
            return self._computed_from(declared, schema)
        if all(reference.dataset in schema for reference in statement.references):
            statement.resolve(schema, declared.lookback_days)
        if statement.problems:
            self.problems += statement.problems
            return {}
        selected = statement.columns()
        self.problems += statement.problems
        for column in selected.keys() - declared.columns.keys():
            hint = "it is the name of the file's folder: leave it out" if column == DAY_COLUMN else "declare it"
            near = suggestion(column, declared.columns.keys() - selected.keys()) if column != DAY_COLUMN else ""
            where = f"{declared.path}:{declared.line}"
            self._problem(statement.path, selected[column], f"{column} is not declared in {where}; {hint}{near}")
        for column in declared.columns.keys() - selected.keys():
            line = declared.column_lines[column]
            self._problem(declared.path, line, f"{column} is declared, but {statement.path} does not select it")
        return {column: statement.lineage(column) for column in declared.columns if column in selected}

    def _computed_from(self, declared: Declaration, schema: Schema) -> Lineage:
        """What is declared of a dataset without a SELECT."""
        for column, sources in declared.computed_from.items():
            line = declared.computed_from_lines[column]
            for source in sources:
                if source.dataset not in schema:
                    near = suggestion(source.dataset, schema)
                    self._problem(declared.path, line, f"{source.dataset} does not exist{near}")
                elif source.column not in schema[source.dataset]:
                    near = suggestion(source.column, schema[source.dataset])
                    self._problem(declared.path, line, f"unknown column {source.column} of {source.dataset}{near}")
        return {column: declared.computed_from.get(column, ()) for column in declared.columns}

    def _model(self, declared: Declaration, lineage: Lineage, checks: tuple[Check, ...]) -> Model:
        statement = self._statements.get(declared.name)
        text = statement or self._seeds.get(declared.name)
        return Model(
            name=declared.name,
            kind=declared.kind,
            layer=declared.layer,
            description=declared.description,
            grain=declared.grain,
            owner=declared.owner,
            domain=declared.domain,
            key=declared.key,
            columns=tuple(declared.columns.values()),
            checks=checks,
            depends_on=self._depends_on[declared.name],
            lookback_days=declared.lookback_days,
            lookback_key=declared.lookback_key,
            is_day_proved=statement.is_day_proved if statement else True,
            sql=text.select if text else None,
            path=text.path if text else declared.path,
            column_lineage=MappingProxyType(dict(lineage)),
            column_lines=self._column_lines(declared, statement),
            freshness=declared.freshness,
        )

    def _column_lines(self, declared: Declaration, statement: Statement | None) -> Mapping[str, int]:
        if declared.name in self._seeds:
            return {}  # the header's
        return statement.columns() if statement and not statement.problems else declared.column_lines

    def _problem(self, path: Path, line: int, message: str) -> None:
        self.problems.append(Problem(path, line, message))
