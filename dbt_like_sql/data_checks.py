"""Turns declared checks into SELECTs of the rows that are wrong, each with a sentence that says what should hold.

The forms of a check, with their options, are in ``declared_keys.CHECKS``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from dbt_like_sql.declarations import CheckSpec, Declaration, suggestion
from dbt_like_sql.declared_keys import CHECK_OPTIONS, CHECKS, SEVERITIES
from dbt_like_sql.metrics import Metric
from dbt_like_sql.model import DAY_COLUMN, ColumnSource

METRIC_TOLERANCE = 1e-9
"""Of a metric's value, or of 1 where that is more: sums of the same numbers differ in their last bits."""


class CompiledCheck(NamedTuple):
    """A check that needs no file: its name among the dataset's checks, its sentence, its SELECT, what that reads."""

    line: int
    name: str
    description: str
    sql: str
    reads: tuple[ColumnSource, ...]
    is_blocking: bool = True


class AssertCheck(NamedTuple):
    """A check whose SELECT is ``checks/<name>.sql``."""

    line: int
    name: str
    is_blocking: bool = True


class InvalidCheckError(Exception):
    """An entry of ``checks`` that cannot be understood."""


def key_checks(declaration: Declaration) -> Iterator[CompiledCheck]:
    """The checks that need no listing: the key is unique, and neither it nor what ``not_null`` names is ever null."""
    blocking = [spec for spec in declaration.checks if _is_blocking(spec)]
    listed = [name for spec in blocking for name in _names(spec.values.get("not_null"))]
    key = _key(declaration)
    if never_null := list(dict.fromkeys([*key, *listed])):
        yield _not_null(declaration, declaration.line, "not_null", never_null)
    if not declaration.key_is_checked:
        return
    if key:
        yield _unique(declaration, CheckSpec({"unique": key}, declaration.line))._replace(name="unique_key")
    else:  # the key is the day alone
        yield CompiledCheck(
            declaration.line,
            "unique_key",
            f"{declaration.name} has at most one row a day",
            _select("count(*) AS row_count", declaration.name, "", "HAVING count(*) > 1"),
            _own(declaration, DAY_COLUMN),
        )


def metric_check(declaration: Declaration, metric: Metric) -> CompiledCheck:
    """The check that a column is the metric of its name: null, or what the formula gives for the row."""
    name, formula = metric.name, metric.formula
    differs = f"abs({name} - ({formula})) > {METRIC_TOLERANCE} * greatest(1, abs({name}))"
    return CompiledCheck(
        declaration.line,
        f"metric_{name}",
        f"{name} of {declaration.name} is {formula}",
        _wrong_rows(declaration, [name, *metric.inputs], f"{differs} OR ({name} IS NOT NULL AND ({formula}) IS NULL)"),
        _own(declaration, name, *metric.inputs),
    )


def compile_check(declaration: Declaration, spec: CheckSpec) -> CompiledCheck | AssertCheck | None:
    """Compile one entry of ``checks``; ``None`` where ``key_checks`` has it already.

    Raises:
        InvalidCheckError: it is not of one of the forms above.
    """
    kind = _kind(spec)
    for option in spec.values:
        known = {**CHECKS[kind].options, **CHECK_OPTIONS}
        if option != kind and option not in known:
            raise InvalidCheckError(f"{kind} has no option {option}{suggestion(option, known)}")
    if spec.values.get("severity", SEVERITIES[0]) not in SEVERITIES:
        raise InvalidCheckError(f"severity is one of {', '.join(SEVERITIES)}")
    subject = spec.values[kind]
    if kind in ("not_null", "unique"):
        if not _names(subject):
            raise InvalidCheckError(f"{kind} needs a list of columns")
    elif kind != "row_count" and (not isinstance(subject, str) or not subject.strip()):
        raise InvalidCheckError(f"{kind} needs a name")
    is_blocking = _is_blocking(spec)
    if kind == "not_null":
        name = f"not_null_{'_'.join(subject)}"
        return None if is_blocking else _not_null(declaration, spec.line, name, subject)._replace(is_blocking=False)
    if kind == "assert":
        return AssertCheck(spec.line, subject, is_blocking)
    return _COMPILERS[kind](declaration, spec)._replace(is_blocking=is_blocking)


def _is_blocking(spec: CheckSpec) -> bool:
    return bool(spec.values.get("severity") != "warn")


def _not_null(declaration: Declaration, line: int, name: str, columns: Sequence[str]) -> CompiledCheck:
    return CompiledCheck(
        line,
        name,
        f"{', '.join(columns)} of {declaration.name} {'is' if len(columns) == 1 else 'are'} never null",
        _wrong_rows(declaration, columns, " OR ".join(f"{column} IS NULL" for column in columns)),
        _own(declaration, *columns),
    )


def _unique(declaration: Declaration, spec: CheckSpec) -> CompiledCheck:
    columns = spec.values["unique"]
    names = ", ".join(columns)
    return CompiledCheck(
        spec.line,
        f"unique_{'_'.join(columns)}",
        f"no two rows of {declaration.name} have the same {names}",
        _select(f"{names}, count(*) AS row_count", declaration.name, "", f"GROUP BY {names} HAVING count(*) > 1"),
        _own(declaration, *columns),
    )


def _row_count(declaration: Declaration, spec: CheckSpec) -> CompiledCheck:
    expected = spec.values["row_count"]
    if type(expected) is not int or expected < 0:
        raise InvalidCheckError("row_count needs a whole number, 0 or more")
    return CompiledCheck(
        spec.line,
        "row_count",
        f"{declaration.name} has exactly {expected} {'row' if expected == 1 else 'rows'} a day",
        _select("count(*) AS row_count", declaration.name, "", f"HAVING count(*) <> {expected}"),
        _own(declaration, DAY_COLUMN),
    )


def _accepted_range(declaration: Declaration, spec: CheckSpec) -> CompiledCheck:
    column = spec.values["accepted_range"]
    least, most = (_number(spec.values.get(bound)) for bound in ("min", "max"))
    if least is not None and most is not None:
        if least > most:
            raise InvalidCheckError(f"no value lies between {least:g} and {most:g}; min is above max")
        wrong, words = f"{column} < {least!r} OR {column} > {most!r}", f"between {least:g} and {most:g}"
    elif least is not None:
        wrong, words = f"{column} < {least!r}", f"at or above {least:g}"
    elif most is not None:
        wrong, words = f"{column} > {most!r}", f"at or below {most:g}"
    else:
        raise InvalidCheckError("accepted_range needs min, max or both")
    declared = declaration.columns.get(column)
    if declared and declared.type in ("DOUBLE", "FLOAT"):
        wrong += f" OR isnan({column})"
    return CompiledCheck(
        spec.line,
        f"accepted_range_{column}",
        f"{column} of {declaration.name} must be {words}",
        _wrong_rows(declaration, [column], wrong),
        _own(declaration, column),
    )


def _accepted_values(declaration: Declaration, spec: CheckSpec) -> CompiledCheck:
    column, values = spec.values["accepted_values"], _names(spec.values.get("values"))
    if not values:
        raise InvalidCheckError("accepted_values needs values, a list of texts")
    declared = declaration.columns.get(column)
    if declared and declared.type != "VARCHAR":
        raise InvalidCheckError(f"accepted_values is for texts, and {column} is declared as {declared.type}")
    allowed = ", ".join(_text(each) for each in values)
    return CompiledCheck(
        spec.line,
        f"accepted_values_{column}",
        f"{column} of {declaration.name} is one of {', '.join(values)}",
        _wrong_rows(declaration, [column], f"{column} NOT IN ({allowed})"),
        _own(declaration, column),
    )


def _relationships(declaration: Declaration, spec: CheckSpec) -> CompiledCheck:
    column = spec.values["relationships"]
    to, to_column, where = (spec.values.get(option) for option in CHECKS["relationships"].options)
    if not (isinstance(to, str) and to.strip() and isinstance(to_column, str) and to_column.strip()):
        raise InvalidCheckError("relationships needs to and to_column: a dataset and its column")
    where = {} if where is None else where
    if not isinstance(where, dict) or not all(isinstance(value, str) for value in where.values()):
        raise InvalidCheckError('where is a table of columns and texts, e.g. { kind = "meter" }')
    known = _select(to_column, to, f"{to_column} IS NOT NULL")
    only = "".join(f"{name} = {_text(value)} AND " for name, value in where.items())
    with_words = "".join(f" with {name} {value}" for name, value in where.items())
    return CompiledCheck(
        spec.line,
        f"relationships_{column}_{to}",
        f"each {column} of {declaration.name}{with_words} is a {to_column} of {to}",
        _wrong_rows(declaration, [column], f"{only}{column} NOT IN ({known})"),
        (*_own(declaration, column, *where), ColumnSource(to, to_column)),
    )


_COMPILERS: Mapping[str, Callable[[Declaration, CheckSpec], CompiledCheck]] = {
    "unique": _unique,
    "accepted_range": _accepted_range,
    "accepted_values": _accepted_values,
    "relationships": _relationships,
    "row_count": _row_count,
}


def _own(declaration: Declaration, *columns: str) -> tuple[ColumnSource, ...]:
    return tuple(ColumnSource(declaration.name, column) for column in columns)


def _wrong_rows(declaration: Declaration, columns: Sequence[str], wrong: str) -> str:
    shown = dict.fromkeys([*_key(declaration), *columns])
    return _select(", ".join(shown), declaration.name, f"({wrong})")


def _select(columns: str, dataset: str, condition: str, tail: str = "") -> str:
    day = f"{DAY_COLUMN} = getvariable('{DAY_COLUMN}')"
    where = f"{day} AND {condition}" if condition else day
    return f"SELECT {columns} FROM {dataset} WHERE {where} {tail}".rstrip()  # noqa: S608 - names we declared ourselves


def _kind(spec: CheckSpec) -> str:
    for key in spec.values:
        if key in CHECKS:
            return key
    first = next(iter(spec.values), "")
    raise InvalidCheckError(f"unknown check {first}{suggestion(first, CHECKS)}")


def _key(declaration: Declaration) -> list[str]:
    return [name for name in declaration.key if name in declaration.columns]


def _names(value: Any) -> list[str]:
    return value if isinstance(value, list) and all(isinstance(each, str) for each in value) else []


def _text(value: str) -> str:
    quoted = value.replace("'", "''")
    return f"'{quoted}'"


def _number(value: Any) -> float | int | None:
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value)):
        raise InvalidCheckError("min and max are numbers, neither nan nor inf")
    return value
