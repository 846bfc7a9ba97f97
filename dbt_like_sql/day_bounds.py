"""Which days a SELECT can read of each dataset, as far as its conditions prove it.

Days are counted from the model's own: ``getvariable('day') - 6`` is -6. What a condition does not say leaves the day
unbounded; what it says in a way that is not understood here is told apart, for then only a build can tell.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from math import inf
from typing import NamedTuple

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from dbt_like_sql.model import DAY_COLUMN

_ONE_SIDED = {"LEFT": "right", "RIGHT": "left", "FULL": "none"}
"""Which side of a join its ON condition limits, where it is not both."""
_MOST_ROUNDS = 10
"""How often conditions are read again, since one dataset's day may be given by another's."""


class Days(NamedTuple):
    """From the first day to the last, both included."""

    first: float
    last: float

    def within(self, other: "Days") -> bool:
        """Whether no day of these is outside."""
        return other.first <= self.first and self.last <= other.last

    def moved(self, days: "Days") -> "Days":
        """Each of these, moved by each of those."""
        return Days(self.first + days.first, self.last + days.last)


ALL_DAYS = Days(-inf, inf)
THE_DAY = Days(0, 0)
_Bounds = Mapping[str, Days]


@dataclass(frozen=True)
class DatasetDays:
    """A dataset as one FROM or JOIN names it, and the days that are read of it."""

    table: exp.Table
    days: Days
    is_proved: bool
    """False where some condition on its day is not understood: it may read fewer days than these."""
    is_limited: bool
    """Whether any condition names its day at all."""


def dataset_days(root: Scope, datasets: Mapping[str, object]) -> Iterator[DatasetDays]:
    """What is read of each dataset, once for each place where the SELECT names it. Columns must be qualified."""
    known: dict[int, _Bounds] = {}
    for scope in root.traverse():
        known[id(scope)] = _bounds(scope, known)
    for scope in root.traverse():
        conditions = list(_conditions(scope))
        for alias in _aliases(scope):
            table = scope.sources.get(alias)
            if not isinstance(table, exp.Table) or table.name not in datasets:
                continue
            of_table = [each for each, limited in conditions if alias in limited and _names_day(each, alias)]
            yield DatasetDays(
                table,
                known[id(scope)].get(alias, ALL_DAYS),
                is_proved=all(alias in _limits(each, known[id(scope)]) for each in of_table),
                is_limited=bool(of_table),
            )


def _bounds(scope: Scope, known: Mapping[int, _Bounds]) -> _Bounds:
    """The days of each table, CTE and subquery of a scope; those of the scopes around it help where they are named."""
    bounds: dict[str, Days] = {}
    for alias, source in scope.sources.items():
        if isinstance(source, Scope) and (days := _selected_days(source, known)):
            bounds[alias] = days
    conditions = list(_conditions(scope))
    for _ in range(_MOST_ROUNDS):
        before = dict(bounds)
        for condition, limited in conditions:
            for alias, days in _limits(condition, bounds).items():
                if alias in limited:
                    bounds[alias] = _both(bounds.get(alias, ALL_DAYS), days)
        if bounds == before:
            break
    return bounds


def _selected_days(scope: Scope, known: Mapping[int, _Bounds]) -> Days | None:
    """The days in the column ``day`` of a CTE or subquery."""
    if scope.set_operation_scopes:
        found = [_selected_days(each, known) for each in scope.set_operation_scopes]
        return reduce(_either, (each for each in found if each)) if all(found) else None
    query = scope.expression
    for column in query.selects if isinstance(query, exp.Query) else ():
        if column.output_name == DAY_COLUMN:
            return _value(column.unalias(), known.get(id(scope), {}))
    return None


def _aliases(scope: Scope) -> list[str]:
    """What the FROM and the JOINs of this SELECT name, in order; semi and anti joins too."""
    query = scope.expression
    return [each.alias_or_name for each in (query.args.get("from_"), *query.args.get("joins", ())) if each]


def _conditions(scope: Scope) -> Iterator[tuple[exp.Expr, frozenset[str]]]:
    """The conditions that all must hold, and the tables whose rows do not count where one does not."""
    query, own = scope.expression, _aliases(scope)
    joins = query.args.get("joins", ())
    if where := query.args.get("where"):
        yield from ((each, frozenset(own)) for each in _flat(where.this, exp.And))
    for position, join in enumerate(joins, start=len(own) - len(joins)):
        sides = {"left": frozenset(own[:position]), "right": frozenset([own[position]]), "none": frozenset[str]()}
        both = sides["left"] | sides["right"]
        limited = sides.get("right" if join.kind == "ANTI" else _ONE_SIDED.get(join.side, "both"), both)
        if on := join.args.get("on"):
            yield from ((each, limited) for each in _flat(on, exp.And))


def _flat(condition: exp.Expr, kind: type[exp.Connector]) -> Iterator[exp.Expr]:
    condition = condition.unnest()
    if isinstance(condition, kind):
        yield from _flat(condition.left, kind)
        yield from _flat(condition.right, kind)
    else:
        yield condition


def _limits(condition: exp.Expr, bounds: _Bounds) -> dict[str, Days]:
    """The days that a condition leaves of each table that it speaks of; empty where it is not understood."""
    if isinstance(condition, exp.Or):
        branches = [_all_of(each, bounds) for each in _flat(condition, exp.Or)]
        shared = set(branches[0]).intersection(*branches[1:])
        return {alias: reduce(_either, (each[alias] for each in branches)) for alias in shared}
    if isinstance(condition, exp.Between):
        low = _comparison(condition.this, exp.GTE, condition.args["low"], bounds)
        high = _comparison(condition.this, exp.LTE, condition.args["high"], bounds)
        return {alias: _both(low.get(alias, ALL_DAYS), high.get(alias, ALL_DAYS)) for alias in {**low, **high}}
    if isinstance(condition, exp.In):
        values = [_value(each, bounds) for each in condition.expressions]
        known = [each for each in values if each]
        alias = _day_of(condition.this)
        return {alias: reduce(_either, known)} if alias and known and len(known) == len(values) else {}
    if isinstance(condition, exp.Binary) and type(condition) in _COMPARISONS:
        return _comparison(condition.left, type(condition), condition.right, bounds)
    return {}


def _all_of(condition: exp.Expr, bounds: _Bounds) -> dict[str, Days]:
    found: dict[str, Days] = {}
    for each in _flat(condition, exp.And):
        for alias, days in _limits(each, bounds).items():
            found[alias] = _both(found.get(alias, ALL_DAYS), days)
    return found


_FROM, _AFTER = Days(0, inf), Days(1, inf)
_UNTIL, _BEFORE = Days(-inf, 0), Days(-inf, -1)
_COMPARISONS: Mapping[type[exp.Expr], tuple[Days, Days]] = {
    exp.EQ: (THE_DAY, THE_DAY),
    exp.GTE: (_FROM, _UNTIL),
    exp.GT: (_AFTER, _BEFORE),
    exp.LTE: (_UNTIL, _FROM),
    exp.LT: (_BEFORE, _AFTER),
}
"""What a comparison says of its left side given its right, and of its right given its left."""


def _comparison(left: exp.Expr, kind: type[exp.Expr], right: exp.Expr, bounds: _Bounds) -> dict[str, Days]:
    there, back = _COMPARISONS[kind]
    return {**_compared(left, right, there, bounds), **_compared(right, left, back, bounds)}


def _compared(side: exp.Expr, other: exp.Expr, how: Days, bounds: _Bounds) -> dict[str, Days]:
    """``side`` is a table's day, moved by some days or not; ``other`` is known."""
    moved, value = _moved_day(side), _value(other, bounds)
    if moved is None or value is None:
        return {}
    alias, by = moved
    return {alias: value.moved(how).moved(Days(-by, -by))}


def _moved_day(value: exp.Expr) -> tuple[str, float] | None:
    """A table whose day it is, and by how many days it is moved."""
    value = value.unnest()
    if alias := _day_of(value):
        return alias, 0
    if isinstance(value, exp.Add | exp.Sub) and (days := _number_of_days(value.expression)) is not None:
        inner = _moved_day(value.this)
        sign = 1 if isinstance(value, exp.Add) else -1
        return (inner[0], inner[1] + sign * days) if inner else None
    return None


def _day_of(value: exp.Expr) -> str | None:
    """The table whose ``day`` it is."""
    value = value.unnest()
    return value.table if isinstance(value, exp.Column) and value.name == DAY_COLUMN else None


def _value(value: exp.Expr, bounds: _Bounds) -> Days | None:
    """The days that an expression can be; ``None`` where that is not understood."""
    value = value.unnest()
    if isinstance(value, exp.Anonymous) and value.name.lower() == "getvariable":
        return THE_DAY if [each.name for each in value.expressions] == [DAY_COLUMN] else None
    if isinstance(value, exp.Cast) and value.is_type("date"):
        return _value(value.this, bounds)
    if alias := _day_of(value):
        return bounds.get(alias)
    if isinstance(value, exp.Add | exp.Sub):
        start, days = _value(value.this, bounds), _number_of_days(value.expression)
        if start is None or days is None:
            return None
        by = days if isinstance(value, exp.Add) else -days
        return start.moved(Days(by, by))
    return None


def _number_of_days(value: exp.Expr) -> int | None:
    """A whole number of days: ``6``, ``-6``, ``INTERVAL 6 DAY``."""
    value = value.unnest()
    factor = 1
    if isinstance(value, exp.Interval):
        factor = {"DAY": 1, "DAYS": 1, "WEEK": 7, "WEEKS": 7}.get(str(value.unit).upper(), 0)
        value = value.this.unnest()
    sign = 1
    if isinstance(value, exp.Neg):
        sign, value = -1, value.this.unnest()
    if not factor or not isinstance(value, exp.Literal) or not value.name.lstrip("-").isdigit():
        return None
    return sign * factor * int(value.name)


def _names_day(condition: exp.Expr, alias: str) -> bool:
    return any(each.name == DAY_COLUMN and each.table == alias for each in condition.find_all(exp.Column))


def _both(one: Days, other: Days) -> Days:
    return Days(max(one.first, other.first), min(one.last, other.last))


def _either(one: Days, other: Days) -> Days:
    return Days(min(one.first, other.first), max(one.last, other.last))
