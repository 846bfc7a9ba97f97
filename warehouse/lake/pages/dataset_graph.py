"""The story of the data in one picture: PostgreSQL on top, then the lake, and layer after layer what is made of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from dbt_like_sql.catalog import Model
from dbt_like_sql.declared_keys import LAYERS
from warehouse.counted import counted
from warehouse.lake.pages.drawing import Card, Line, Picture, draw_down
from warehouse.lake.provenance import TABLES_OF_POSTGRES
from warehouse.postgres.ledger.lake_overview import PublishedDataset

POSTGRES = "PostgreSQL"
_WIDTHS = (850.0, 750.0, 650.0, 550.0, 450.0, 400.0)
"""Pixels of the cards of one rank that are tried: a layer that has more takes one more rank.

How much room the lines need is known only when they are drawn."""


def draw_datasets(models: Sequence[Model], published: Mapping[str, PublishedDataset]) -> Picture:
    """These datasets, each below what it is made from, with the rows of its newest day where they are known.

    What a dataset reads and gets by a longer way too has no line of its own. Of several pictures it is the narrowest: a
    page shows that one largest.
    """
    return min((_drawn(models, published, widest) for widest in _WIDTHS), key=lambda picture: picture.width)


def _drawn(models: Sequence[Model], published: Mapping[str, PublishedDataset], widest: float) -> Picture:
    tables = [model.name for model in models if model.name in TABLES_OF_POSTGRES]
    bands = {POSTGRES: [0]} if tables else {}
    ranks: dict[str, int] = {}
    used: defaultdict[int, float] = defaultdict(float)
    for layer in LAYERS:
        begin = 1 + max(ranks.values(), default=0)
        for model in models:
            if model.layer == layer:
                ranks_above = (ranks[name] for name in model.depends_on if name in ranks)
                rank = max(begin, 1 + max(ranks_above, default=0))
                width = _card(model, rank, published.get(model.name)).width
                while used[rank] and used[rank] + width > widest:
                    rank += 1
                ranks[model.name] = rank
                used[rank] += width
        if of_layer := range(begin, 1 + max(ranks.values(), default=0)):
            bands[layer] = list(of_layer)
    cards = [
        *(Card(_table(name), name, 0, look="table", remark="table") for name in tables),
        *(_card(model, ranks[model.name], published.get(model.name)) for model in models),
    ]
    lines = [
        *(Line(_table(name), name) for name in tables),
        *(Line(source, name) for name, sources in nearest_sources(models).items() for source in sources),
    ]
    return draw_down(cards, lines, bands)


def nearest_sources(models: Sequence[Model]) -> dict[str, list[str]]:
    """What each dataset reads that nothing else which it reads comes from; ``models`` are in order."""
    above: dict[str, set[str]] = {}
    nearest = {}
    for model in models:
        read = [name for name in model.depends_on if name in above]
        above[model.name] = set(read).union(*(above[name] for name in read))
        nearest[model.name] = [name for name in read if not any(name in above[other] for other in read)]
    return nearest


def _card(model: Model, rank: int, newest: PublishedDataset | None) -> Card:
    remark = counted(newest.row_count, "row") if newest else ""
    return Card(model.name, model.name, rank, f"{model.name}.html", model.layer, remark)


def _table(name: str) -> str:
    """The name of a table's card, which no dataset can have."""
    return f"{POSTGRES}.{name}"
