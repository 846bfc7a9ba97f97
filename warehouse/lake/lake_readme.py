"""The lake explains itself: ``README.md``, ``files.json`` and ``views.sql``, for whoever has only the folder."""

import re
from collections.abc import Mapping
from pathlib import Path

from dbt_like_sql.catalog import Catalog, Model
from warehouse.contract.errors import FleetwattError
from warehouse.durability import replace_file
from warehouse.lake.provenance import made_by
from warehouse.lake.snapshot import MANIFEST, Snapshot, manifest_of
from warehouse.lake.storage.lake import Lake, key_of
from warehouse.lake.views import empty_view, view_of
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.ledger.lake_overview import PublishedDataset
from warehouse.template import fill

README, VIEWS = "README.md", "views.sql"
_KEYS = re.compile(r"[^\s\"',\[]+/day=[^\s\"',\]]+\.parquet").findall

_VIEWS_HEAD = """\
-- Every dataset of the lake as a view, from within its folder: duckdb -init views.sql
-- Written by Fleetwatt; README.md says what each column means.
SET TimeZone = 'UTC';
"""


class LakeNotExplainedError(FleetwattError):
    """The lake's README cannot be written"""

    code = "lake_not_explained"


def explain_lake(snapshot: Snapshot, catalog: Catalog, published: Mapping[str, PublishedDataset]) -> list[Path]:
    """Write what has changed of the three files, each at once; returns which those were.

    Raises:
        LakeNotExplainedError: a file cannot be written; the datasets themselves are as they were.
    """
    root = snapshot.lake.root
    texts = {
        README: readme(catalog, published),
        MANIFEST: manifest_of(snapshot),
        VIEWS: views(snapshot, catalog),
    }
    try:
        root.mkdir(parents=True, exist_ok=True)
        with as_owner_of(root):
            return [root / name for name, text in texts.items() if _write_changed(root / name, text)]
    except OSError as error:
        raise LakeNotExplainedError(f"{root}: {error}; the day itself is in the lake") from error


def files_named(lake: Lake) -> set[str]:
    """The keys of the files that ``files.json`` and ``views.sql`` name as they are on disk, whatever else they hold."""
    named: set[str] = set()
    for name in (MANIFEST, VIEWS):
        path = lake.root / name
        if path.is_file():
            named.update(_KEYS(path.read_text(encoding="utf-8", errors="replace")))
    return named


def readme(catalog: Catalog, published: Mapping[str, PublishedDataset]) -> str:
    """Layout, versions, how to read it, and every dataset with its columns, as Markdown."""
    newest = max((each.day for each in published.values()), default=None)
    return fill(
        "warehouse.lake",
        "lake_readme.md",
        models=catalog.in_order(),
        published=published,
        made_by=made_by,
        example_day=newest or "2026-02-08",
    )


def views(snapshot: Snapshot, catalog: Catalog) -> str:
    """Statements that make a view of each dataset, their paths relative to the lake."""
    return "\n".join([_VIEWS_HEAD, *(_view(snapshot, model) for model in catalog.in_order())])


def _view(snapshot: Snapshot, model: Model) -> str:
    files = [str(key_of(file)) for file in snapshot.select([model.name], None)]
    view = view_of(model, files) if files else empty_view(model)
    return f"-- {model.description} Grain: {model.grain}.\nCREATE OR REPLACE VIEW {view};\n"


def _write_changed(path: Path, text: str) -> bool:
    """Replace a file by another text, unless that is what it holds. Days may end at the same time, in two processes."""
    content = text.encode()
    if path.is_file() and path.read_bytes() == content:  # bytes: what was damaged may be no text any more
        return False
    replace_file(path, content)
    return True
