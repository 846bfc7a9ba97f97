"""Which datasets a command means, in dbt's words: ``name+``, ``2+name``, ``layer:marts``, ``state:modified``.

| written | means |
| --- | --- |
| ``name`` | this dataset |
| ``layer:marts`` | all of a layer |
| ``owner:analytics`` | all of an owner |
| ``exposure:open_lake`` | what an exposure reads |
| ``state:modified`` | the models whose text is not the one that made their newest day, new ones included |
| ``name+``, ``+name`` | with all that is made from it, with all that it is made from; both work on any of the above |
| ``name+2``, ``2+name`` | so many steps of that |
| ``a,b`` | what both name |
| ``a b``, or several of them | what either names |
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf

from dbt_like_sql.catalog import Catalog
from dbt_like_sql.declarations import suggestion

Modified = Callable[[], Collection[str]]
"""Asks for the models whose text is not the one that made their newest day. Only ``state:modified`` asks."""

_TERM = re.compile(r"(?:(?P<up>\d*)\+)?(?P<what>[^+,\s]+)(?:\+(?P<down>\d*))?").fullmatch
_METHODS = ("layer", "owner", "exposure", "state")
_STATES = ("modified",)


class SelectionError(ValueError):
    """A selection that cannot be understood, or that names what there is not."""


def select(catalog: Catalog, given: Sequence[str], modified: Modified) -> tuple[str, ...]:
    """The datasets that are meant, in the catalog's order. They may be none.

    Raises:
        SelectionError: it is of none of the forms above, or there is nothing of a name; it suggests the nearest.
    """
    wanted: set[str] = set()
    for union in given:
        if not union.split():
            raise SelectionError("the selection is empty; name a dataset, or layer:, owner:, exposure: or state:")
        for terms in union.split():
            wanted |= set.intersection(*(_of_term(catalog, term, modified) for term in terms.split(",")))
    return tuple(model.name for model in catalog.in_order() if model.name in wanted)


def _of_term(catalog: Catalog, term: str, modified: Modified) -> set[str]:
    parsed = _TERM(term)
    if parsed is None:
        raise SelectionError(f"{term!r} is no selection; write name, name+, +name, name+2, 2+name or layer:marts")
    found = _named(catalog, parsed["what"], modified)
    above = {model.name: model.depends_on for model in catalog.in_order()}
    below = {name: catalog.used_by(name) for name in above}
    return found | _reached(found, above, _steps(parsed["up"])) | _reached(found, below, _steps(parsed["down"]))


def _named(catalog: Catalog, what: str, modified: Modified) -> set[str]:
    method, colon, value = what.partition(":")
    if not colon:
        return {_known("dataset", what, catalog.models)}
    if method not in _METHODS:
        raise SelectionError(f"{method}: is no way to select; there are {', '.join(f'{each}:' for each in _METHODS)}")
    if method == "exposure":
        return set(catalog.exposures[_known(method, value, catalog.exposures)].reads)
    if method == "state":
        _known("state", value, _STATES)
        return set(modified())
    values = {model.name: getattr(model, method) for model in catalog.in_order()}
    _known(method, value, set(values.values()))
    return {name for name, each in values.items() if each == value}


def _known(kind: str, name: str, known: Collection[str]) -> str:
    if name in known:
        return name
    near = suggestion(name, known)
    verb = "is" if len(known) == 1 else "are"
    offered = "" if near or kind == "dataset" else f"; there {verb} {', '.join(sorted(known))}"
    raise SelectionError(f"no {kind} is called {name}{near}{offered}")


def _steps(written: str | None) -> float:
    """How far a ``+`` goes: without a number, to the end; without a ``+``, nowhere."""
    if written is None:
        return 0
    return int(written) if written else inf


def _reached(begin: Collection[str], neighbours: Mapping[str, Collection[str]], steps: float) -> set[str]:
    reached: set[str] = set()
    edge = set(begin)
    while edge and steps > 0:
        edge = {each for name in edge for each in neighbours[name]} - reached
        reached |= edge
        steps -= 1
    return reached
