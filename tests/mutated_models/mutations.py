"""Small faults that somebody could write into a SELECT, each by itself: what the models' unit tests have to notice."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, takewhile

import sqlglot
from sqlglot import exp

from dbt_like_sql.declarations import DIALECT

_SWAPPED: dict[type[exp.Expr], tuple[type[exp.Expr], ...]] = {
    exp.LT: (exp.LTE, exp.GT),
    exp.LTE: (exp.LT, exp.GTE),
    exp.GT: (exp.GTE, exp.LT),
    exp.GTE: (exp.GT, exp.LTE),
    exp.EQ: (exp.NEQ,),
    exp.NEQ: (exp.EQ,),
    exp.And: (exp.Or,),
    exp.Or: (exp.And,),
    exp.Add: (exp.Sub,),
    exp.Sub: (exp.Add,),
    exp.Mul: (exp.Div,),
    exp.Div: (exp.Mul,),
    exp.Sum: (exp.Max,),
    exp.Max: (exp.Min,),
    exp.Min: (exp.Max,),
    exp.LogicalOr: (exp.LogicalAnd,),
    exp.ArgMax: (exp.ArgMin,),
    exp.ArgMin: (exp.ArgMax,),
    exp.Greatest: (exp.Least,),
    exp.Least: (exp.Greatest,),
    exp.Ceil: (exp.Floor,),
    exp.Floor: (exp.Ceil,),
}
_UNWRAPPED = (exp.Not, exp.Coalesce, exp.Nullif, exp.Filter, exp.IgnoreNulls, exp.Abs, exp.Round, exp.Neg)
"""Left out, so that what is in them stays: guards against null, rounding, signs."""
_DROPPED = (exp.Distinct, exp.Where, exp.Having)
_NUMBER = re.compile(r"(\d*\.?\d*?)(\d)(e-?\d+)?$").fullmatch


@dataclass(frozen=True)
class Mutant:
    """A SELECT with one fault. ``change`` says which, as sqlglot writes SQL; ``line`` is that of the file."""

    line: int
    change: str
    sql: str


def mutants_of(sql: str) -> Iterator[Mutant]:
    """Every mutant of a SELECT, no two with the same text."""
    tree = sqlglot.parse_one(sql, dialect=DIALECT)
    before = tree.sql(DIALECT)
    seen = {before}
    for node in list(tree.walk()):
        for other in _others(node):
            text = _with(node, other)
            if text not in seen:
                seen.add(text)
                yield Mutant(_line(node), _change(before, text), text)


def unmutated(sql: str) -> str:
    """The SELECT as its mutants are written."""
    return sqlglot.parse_one(sql, dialect=DIALECT).sql(DIALECT)


def _with(node: exp.Expr, other: exp.Expr | None) -> str:
    """The whole SELECT with something else in place of a node, or nothing; the tree is as before afterwards."""
    root, parent, key, index = node.root(), node.parent, node.arg_key, node.index
    if parent is None or key is None:
        return other.sql(DIALECT) if other else ""
    siblings = parent.args[key]
    if index is None:
        parent.args[key] = other
    else:
        parent.args[key] = [*siblings[:index], *([other] if other else []), *siblings[index + 1 :]]
    if other:
        other.parent, other.arg_key, other.index = parent, key, index
    text = str(root.sql(DIALECT))
    parent.args[key] = siblings
    return text


def _others(node: exp.Expr) -> Iterator[exp.Expr | None]:
    """What could stand in place of a node; ``None``: nothing."""
    for other in _SWAPPED.get(type(node), ()):
        yield other(**node.copy().args)
    if isinstance(node, exp.And | exp.Or | exp.Union):
        yield node.left.copy()
        yield node.right.copy()
    if isinstance(node, exp.Between):
        yield exp.GTE(this=node.this.copy(), expression=node.args["low"].copy())
        yield exp.LTE(this=node.this.copy(), expression=node.args["high"].copy())
    if isinstance(node, _UNWRAPPED):
        yield node.this.copy()
    if isinstance(node, _DROPPED):
        yield None
    if isinstance(node, exp.Order):
        yield node.this.copy() if node.this else None  # of list(x ORDER BY y) the x stays
        yield from _without_one(node, "expressions")
    if isinstance(node, exp.Window):
        yield from _without_one(node, "partition_by")
    if isinstance(node, exp.Count) and not isinstance(node.this, exp.Star):
        yield exp.Count(this=exp.Star())
    if isinstance(node, exp.Literal):
        yield from _other_literals(node)
    if isinstance(node, exp.Join):
        yield from _other_joins(node)
    if isinstance(node, exp.Case):
        yield from _fewer_branches(node)
    if isinstance(node, exp.Select):
        yield from _swapped_columns(node)


def _other_literals(node: exp.Literal) -> Iterator[exp.Expr]:
    number = _NUMBER(node.name)
    is_interval = isinstance(node.parent, exp.Interval)
    if number and (is_interval or not node.is_string):
        # One more in its last digit: 0.85 -> 0.86, 9 -> 10.
        digits = number[1] + number[2]
        decimals = len(digits.partition(".")[2])
        more = f"{float(digits) + 10**-decimals:.{decimals}f}{number[3] or ''}"
        yield exp.Literal(this=more, is_string=node.is_string)
    elif node.is_string and not isinstance(node.parent, exp.AtTimeZone):
        yield exp.Literal.string(f"{node.name}_")


def _other_joins(node: exp.Join) -> Iterator[exp.Expr]:
    others: Mapping[tuple[str, str], list[tuple[str | None, str | None]]] = {
        ("FULL", ""): [("LEFT", None), ("RIGHT", None)],
        ("LEFT", ""): [(None, "INNER")],
        ("", "INNER"): [("LEFT", None)],
        ("", "ANTI"): [(None, "SEMI")],
    }
    for side, kind in others.get((node.side, node.kind), ()):
        join = node.copy()
        join.set("side", side)
        join.set("kind", kind)
        yield join


def _fewer_branches(node: exp.Case) -> Iterator[exp.Expr]:
    default = node.args.get("default")
    if default:
        without = node.copy()
        without.set("default", None)
        yield without
    branches = node.args["ifs"]
    if len(branches) > 1:
        yield from _without_one(node, "ifs")
    else:
        yield branches[0].args["true"].copy()
        yield default.copy() if default else exp.Null()


def _without_one(node: exp.Expr, key: str) -> Iterator[exp.Expr]:
    """The node without one of several children, each in turn."""
    for index in range(len(node.args.get(key) or ())):
        if key == "partition_by" or len(node.args[key]) > 1:
            other = node.copy()
            other.args[key].pop(index)
            yield other


def _swapped_columns(node: exp.Select) -> Iterator[exp.Expr]:
    """Two columns that stand beside each other with the other's value, under their own names."""
    columns = node.selects
    for index, pair in enumerate(pairwise(columns)):
        values = [column.unalias() for column in pair]
        if values[0] != values[1] and all(column.output_name not in ("", "*") for column in pair):
            other = node.copy()
            swapped = [exp.alias_(value.copy(), own.output_name) for value, own in zip(values[::-1], pair, strict=True)]
            other.set("expressions", [*other.selects[:index], *swapped, *other.selects[index + 2 :]])
            yield other


def _change(before: str, after: str) -> str:
    """What differs between two texts, with a few words around it."""
    start = _shared_length(before, after)
    end = _shared_length(before[start:][::-1], after[start:][::-1])
    start = before.rfind(" ", 0, max(start - 10, 0)) + 1
    last = before.find(" ", len(before) - end + 20)
    shared = len(before) - last if last >= 0 else 0
    return f"{before[start : len(before) - shared]}  ->  {after[start : len(after) - shared]}"


def _shared_length(one: str, other: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _line(node: exp.Expr | None) -> int:
    """The line of the first name in a node, or in what is around it."""
    while node is not None:
        if lines := [each.meta["line"] for each in node.find_all(exp.Identifier) if "line" in each.meta]:
            return int(min(lines))
        node = node.parent
    return 1
