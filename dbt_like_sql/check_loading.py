"""Reads the checks of a dataset, declared and written out, and holds them to what they may read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dbt_like_sql.data_checks import (
    AssertCheck,
    CompiledCheck,
    InvalidCheckError,
    compile_check,
    key_checks,
    metric_check,
)
from dbt_like_sql.declarations import Declaration, suggestion
from dbt_like_sql.metrics import Metric, metrics_held_in
from dbt_like_sql.model import Check, Problem
from dbt_like_sql.statements import Schema, Statement
from dbt_like_sql.text_files import read_text


@dataclass
class CheckLoader:
    """Reads checks; what is wrong is noted in ``problems``.

    A check runs as soon as its dataset is made, so it reads that dataset and what it was made from, and nothing else.
    """

    folder: Path
    schema: Schema
    depends_on: Mapping[str, tuple[str, ...]]
    metrics: Mapping[str, Metric]
    problems: list[Problem] = field(default_factory=list)
    _used: set[str] = field(default_factory=set)

    def of(self, declared: Declaration) -> tuple[Check, ...]:
        """The checks of one dataset: those of its key and its metrics, then the others as they are listed."""
        checks: dict[str, Check] = {}
        for compiled in self._compiled(declared):
            if compiled.name in checks:
                self._problem(declared.path, compiled.line, f"{declared.name} lists the check {compiled.name} twice")
            elif isinstance(compiled, CompiledCheck):
                checks[compiled.name] = self._check(declared, compiled)
            elif written := self._written(declared, compiled):
                checks[compiled.name] = written
        return tuple(checks.values())

    def find_unused(self) -> None:
        """A check that no dataset lists never runs: once all were read, that is a problem."""
        for path in sorted(self.folder.glob("checks/*.sql")):
            if path.stem not in self._used:
                shown = path.relative_to(self.folder.parent)
                self._problem(shown, 1, f'no dataset lists this check; add {{ assert = "{path.stem}" }} to its checks')

    def _compiled(self, declared: Declaration) -> Iterator[CompiledCheck | AssertCheck]:
        yield from key_checks(declared)
        yield from (metric_check(declared, metric) for metric in metrics_held_in(self.metrics, declared.name))
        for spec in declared.checks:
            try:
                compiled = compile_check(declared, spec)
            except InvalidCheckError as error:
                self._problem(declared.path, spec.line, f"{declared.name}: {error}")
            else:
                if compiled:
                    yield compiled

    def _check(self, declared: Declaration, compiled: CompiledCheck) -> Check:
        for dataset, column in compiled.reads:
            wrong = self._forbidden(declared, dataset)
            if not wrong and column not in self.schema[dataset]:
                wrong = f"unknown column {column} of {dataset}{suggestion(column, self.schema[dataset])}"
            if wrong:
                self._problem(declared.path, _line_naming(declared, compiled, column), wrong)
        reads = tuple(sorted({dataset for dataset, _ in compiled.reads}))
        return Check(
            name=compiled.name,
            model=declared.name,
            description=compiled.description,
            sql=compiled.sql,
            depends_on=reads,
            path=declared.path,
            line=compiled.line,
            is_blocking=compiled.is_blocking,
        )

    def _written(self, declared: Declaration, listed: AssertCheck) -> Check | None:
        path = self.folder / "checks" / f"{listed.name}.sql"
        shown = path.relative_to(self.folder.parent)
        if not path.exists():
            near = suggestion(listed.name, [each.stem for each in path.parent.glob("*.sql")])
            message = f"{declared.name} lists the check {shown}, which does not exist{near}"
            self._problem(declared.path, listed.line, message)
            return None
        self._used.add(listed.name)
        text = read_text(path, shown, self.problems)
        first_line = text.partition("\n")[0]
        if not first_line.startswith("-- "):
            self._problem(shown, 1, "the first line is a comment that says in plain words what should hold")
        statement = Statement(shown, text)
        reads = self._reads(declared, statement)
        self.problems += statement.problems
        description = first_line.removeprefix("-- ").strip()
        return Check(
            name=listed.name,
            model=declared.name,
            description=description,
            sql=statement.select,
            depends_on=reads,
            path=shown,
            line=1,
            is_blocking=listed.is_blocking,
        )

    def _reads(self, declared: Declaration, statement: Statement) -> tuple[str, ...]:
        """The datasets that a check reads, its columns resolved; what it may not read is noted in the statement."""
        for reference in statement.references:
            if wrong := self._forbidden(declared, reference.dataset):
                statement.problems.append(Problem(statement.path, reference.line, wrong))
        if not statement.problems:
            statement.resolve(self.schema, declared.lookback_days)
        return tuple(reference.dataset for reference in statement.references)

    def _forbidden(self, declared: Declaration, dataset: str) -> str | None:
        if dataset not in self.schema:
            return f"{dataset} does not exist{suggestion(dataset, self.schema)}"
        if dataset not in self._upstream(declared.name):
            return f"a check of {declared.name} may read what that is made from, not {dataset}"
        return None

    def _upstream(self, name: str) -> set[str]:
        """The dataset and everything it is made from."""
        found, ahead = set(), [name]
        while ahead:
            each = ahead.pop()
            if each not in found:
                found.add(each)
                ahead += self.depends_on.get(each, ())
        return found

    def _problem(self, path: Path, line: int, message: str) -> None:
        self.problems.append(Problem(path, line, message))


def _line_naming(declared: Declaration, compiled: CompiledCheck, column: str) -> int:
    """Where a column is named: ``not_null`` may be listed on several lines, and is one check."""
    named = (spec.line for spec in declared.checks if column in spec.values.get(compiled.name, ()))
    return next(named, compiled.line)
