"""Writes the pages: ``index.html``, one page a dataset, one style sheet. They need no server, no network, no script."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from dbt_like_sql.catalog import Catalog, Exposure, Metric, Model
from dbt_like_sql.declared_keys import LAYERS
from dbt_like_sql.unit_tests.unit_test import UnitTest
from warehouse.lake.pages.column_graph import draw_columns
from warehouse.lake.pages.dataset_graph import draw_datasets
from warehouse.lake.pages.drawing import HEAD, ROW
from warehouse.lake.pages.sql_text import sql_as_html
from warehouse.lake.provenance import made_by
from warehouse.postgres.ledger.lake_overview import PublishedDataset
from warehouse.postgres.ledger.source_freshness import Level, SourceFreshness
from warehouse.template import fill

INDEX = "index.html"


def write_pages(
    catalog: Catalog,
    published: Mapping[str, PublishedDataset],
    status: str,
    folder: Path,
    shown: Sequence[Model] | None = None,
    tests: Sequence[UnitTest] = (),
    fresh: Sequence[SourceFreshness] = (),
) -> Path:
    """Write all pages into ``folder``; returns the first. ``status`` is a sentence on the state of the lake.

    ``fresh``: how new the sources are; the first page lists those that are stale.

    ``shown``: the datasets on the first page, in order; all of them where it is not given. All have their pages, which
    link to each other. ``tests``: unit tests; those of a model are examples on its page.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pages = {INDEX: _index(catalog, shown, published, status, fresh)}
    for name in catalog.models:
        of_model = [test for test in tests if test.subject.name == name]
        pages[f"{name}.html"] = _page(catalog, name, published.get(name), of_model)
    pages["style.css"] = files("warehouse.lake").joinpath("templates", "style.css").read_text(encoding="utf-8")
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / INDEX


def _index(
    catalog: Catalog,
    chosen: Sequence[Model] | None,
    published: Mapping[str, PublishedDataset],
    status: str,
    fresh: Sequence[SourceFreshness],
) -> str:
    shown = catalog.in_order() if chosen is None else chosen
    return fill(
        "warehouse.lake",
        INDEX,
        status=status,
        picture=draw_datasets(shown, published),
        layers=[(layer, models) for layer in LAYERS if (models := [each for each in shown if each.layer == layer])],
        exposures=_exposures(catalog, chosen),
        metrics=_metrics(catalog, chosen),
        stale=[each for each in fresh if each.level is not Level.PASS],
        published=published,
        head=HEAD,
        row=ROW,
    )


def _exposures(catalog: Catalog, chosen: Sequence[Model] | None) -> list[tuple[Exposure, list[str]]]:
    """Who reads these datasets, and which; everybody where all are shown."""
    names = catalog.models if chosen is None else {model.name for model in chosen}
    read = [(each, [name for name in each.reads if name in names]) for each in catalog.exposures.values()]
    return [(each, reads) for each, reads in read if reads or chosen is None]


def _metrics(catalog: Catalog, chosen: Sequence[Model] | None) -> list[Metric]:
    """The metrics all of whose datasets are shown."""
    names = catalog.models if chosen is None else {model.name for model in chosen}
    return [each for each in catalog.metrics.values() if set(each.holds_in) <= set(names)]


def _page(catalog: Catalog, name: str, found: PublishedDataset | None, tests: Sequence[UnitTest]) -> str:
    model = catalog.models[name]
    return fill(
        "warehouse.lake",
        "model.html",
        model=model,
        made_by=made_by(model),
        used_by=catalog.used_by(name),
        exposures=catalog.exposed_by(name),
        metrics={each.name for each in catalog.metrics_of(name)},
        found=found,
        picture=draw_columns(catalog, name),
        has_sources=any(model.column_lineage.values()),
        tests=tests,
        checks=[(check, sql_as_html(check.sql, check.depends_on)) for check in model.checks],
        sql=sql_as_html(model.sql, model.depends_on) if model.sql else None,
        head=HEAD,
        row=ROW,
    )
