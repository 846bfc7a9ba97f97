"""The lake explains itself: ``README.md`` and ``views.sql`` beside its datasets, for whoever has only the folder."""

import os
from collections.abc import Mapping
from pathlib import Path

from dbt_like_sql.catalog import Catalog, Model
from dbt_like_sql.model import DAY_COLUMN
from warehouse.contract.errors import FleetwattError
from warehouse.lake.paths import FILE_NAME, Lake
from warehouse.lake.provenance import made_by
from warehouse.lake.template import fill
from warehouse.lake.views import empty_view, view_of
from warehouse.postgres.ledger.lake_overview import PublishedDataset

README, VIEWS = "README.md", "views.sql"

_VIEWS_HEAD = """\
-- Every dataset of the lake as a view, from within its folder: duckdb -init views.sql
-- Written by Fleetwatt; README.md says what each column means.
SET TimeZone = 'UTC';
"""


class LakeNotExplainedError(FleetwattError):
    """The lake's README cannot be written"""

    code = "lake_not_explained"


def explain_lake(lake: Lake, catalog: Catalog, published: Mapping[str, PublishedDataset]) -> list[Path]:
    """Write what has changed of the two files, each at once; returns which those were.

    Raises:
        LakeNotExplainedError: a file cannot be written; the datasets themselves are as they were.
    """
    texts = {README: readme(catalog, published), VIEWS: views(lake, catalog)}
    try:
        lake.root.mkdir(parents=True, exist_ok=True)
        return [lake.root / name for name, text in texts.items() if _write_changed(lake.root / name, text)]
    except OSError as error:
        raise LakeNotExplainedError(f"{lake.root}: {error}; the day itself is in the lake") from error


def readme(catalog: Catalog, published: Mapping[str, PublishedDataset]) -> str:
    """Layout, versions, how to read it, and every dataset with its columns, as Markdown."""
    newest = max((each.day for each in published.values()), default=None)
    return fill(
        "lake_readme.md",
        models=catalog.in_order(),
        published=published,
        made_by=made_by,
        example_day=newest or "2026-02-08",
    )


def views(lake: Lake, catalog: Catalog) -> str:
    """Statements that make a view of each dataset, their paths relative to the lake."""
    return "\n".join([_VIEWS_HEAD, *(_view(lake, model) for model in catalog.in_order())])


def _view(lake: Lake, model: Model) -> str:
    # A pattern that no file fits is an error in DuckDB, so until there is one the view is empty.
    files = f"{model.name}/{DAY_COLUMN}=*/{FILE_NAME}"
    view = view_of(model, files) if lake.days(model.name) else empty_view(model)
    return f"-- {model.description} Grain: {model.grain}.\nCREATE OR REPLACE {view};\n"


def _write_changed(path: Path, text: str) -> bool:
    """Replace a file by another text, unless that is what it holds. Days may end at the same time, in two processes."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    written = path.with_name(f".{path.name}.{os.getpid()}")
    written.write_text(text, encoding="utf-8")
    written.replace(path)
    return True
