"""Selections in dbt's words, over the small catalog: readings (lake) -> growth (staging) -> total (marts)."""

from collections.abc import Collection

import pytest

from dbt_like_sql.catalog import Catalog
from dbt_like_sql.selection import SelectionError, select
from tests.unit.dbt_like_sql.small_catalog import write_catalog


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return Catalog.load(write_catalog(tmp_path_factory.mktemp("selection")))


def nobody_asks() -> Collection[str]:
    raise AssertionError("the ledger was asked, and nothing is about its state")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["growth"], ["growth"]),
        (["growth+"], ["growth", "total"]),
        (["+growth"], ["readings", "growth"]),
        (["+growth+"], ["readings", "growth", "total"]),
        (["readings+1"], ["readings", "growth"]),
        (["readings+0"], ["readings"]),
        (["readings+2"], ["readings", "growth", "total"]),
        (["1+total"], ["growth", "total"]),
        (["2+total"], ["readings", "growth", "total"]),
        (["layer:marts"], ["total"]),
        (["owner:analytics"], ["growth", "total"]),
        (["1+layer:marts"], ["growth", "total"]),
        (["owner:analytics,layer:staging"], ["growth"]),
        (["+total,owner:platform+1"], ["readings", "growth"]),
        (["layer:lake,layer:marts"], []),
        (["total", "readings"], ["readings", "total"]),
        (["total readings"], ["readings", "total"]),
        (["layer:lake,layer:marts", "growth"], ["growth"]),
    ],
)
def test_what_is_selected_in_the_order_of_the_catalog(catalog: Catalog, given: list[str], expected: list[str]) -> None:
    assert list(select(catalog, given, nobody_asks)) == expected


def test_what_was_modified_is_asked_of_the_ledger(catalog: Catalog) -> None:
    assert select(catalog, ["state:modified"], lambda: {"growth"}) == ("growth",)
    assert select(catalog, ["state:modified+"], lambda: {"growth"}) == ("growth", "total")
    assert select(catalog, ["state:modified,layer:marts"], lambda: {"growth"}) == ()
    assert select(catalog, ["state:modified"], set) == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("growht", "no dataset is called growht; did you mean growth?"),
        ("+totals", "no dataset is called totals; did you mean total?"),
        ("layer:mart", "no layer is called mart; did you mean marts?"),
        ("layer:x", "no layer is called x; there are lake, marts, staging"),
        ("owner:analytic", "no owner is called analytic; did you mean analytics?"),
        ("state:new", "no state is called new; there is modified"),
        ("layr:marts", "layr: is no way to select; there are layer:, owner:, exposure:, state:"),
        ("growth++", "'growth++' is no selection; write name, name+, +name, name+2, 2+name or layer:marts"),
        ("growth,", "'' is no selection"),
        ("+", "'+' is no selection"),
        (" ", "the selection is empty; name a dataset"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_nearest(catalog: Catalog, given: str, said: str) -> None:
    with pytest.raises(SelectionError) as refused:
        select(catalog, [given], nobody_asks)
    assert str(refused.value).startswith(said)
