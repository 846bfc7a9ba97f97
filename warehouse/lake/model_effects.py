"""What the models as they are now would change on a day that is published: rebuilt beside the lake, and compared."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from dbt_like_sql.catalog import Catalog, Model
from warehouse.lake.compare import Comparison, compare_files
from warehouse.lake.lookback import require_declared_days
from warehouse.lake.models import CheckResult, build_model, run_check
from warehouse.lake.snapshot import Snapshot
from warehouse.lake.storage.keys import folder_of
from warehouse.lake.storage.patterns import readable
from warehouse.lake.views import add_view, another_session, open_lake, set_day, text


@dataclass(frozen=True)
class Effect:
    """A model rebuilt on a day.

    ``missing``: what it reads and the day does not have; then it was not built. ``comparison`` is ``None`` where it was
    not built or nothing of it is published. ``failed_checks`` are those of a model that gives something else than what
    is published: the daily pipeline would stop there.
    """

    model: Model
    missing: tuple[str, ...]
    row_count: int | None
    comparison: Comparison | None
    failed_checks: tuple[CheckResult, ...]

    @property
    def is_none(self) -> bool:
        """Whether the model gives what is published."""
        return self.comparison is not None and self.comparison.is_same


def newest_whole_day(snapshot: Snapshot, catalog: Catalog) -> date | None:
    """The newest day of which every dataset has a file that has any at all; ``None`` where there is no such day."""
    of_datasets = [set(days) for name in catalog.models if (days := snapshot.days(name))]
    return max(set.intersection(*of_datasets), default=None) if of_datasets else None


def effects_of_models(
    snapshot: Snapshot, catalog: Catalog, day: date, folder: Path, chosen: Iterable[Model]
) -> Iterator[Effect]:
    """Build these SQL models of a day into ``folder`` (empty, not in the lake), each from what was built there before.

    ``chosen`` is in order. What has no SELECT or is not among them is read as it is published. The lake is only read.

    Raises:
        ModelFailedError: a SELECT fails on the day's data; it names file and line.
        UnreadableFileError: a published file is damaged.
    """
    models = [model for model in chosen if model.sql]
    names = {model.name for model in models}
    built: dict[str, Path] = {}
    with open_lake(snapshot, (), day) as engine:
        engine.execute(f"SET temp_directory = {text(folder / 'spill')}")
        for model in models:
            missing = tuple(
                name
                for name in model.depends_on
                if not (name in built if name in names else snapshot.locations(name, day))
            )
            if missing:
                yield Effect(model, missing, None, None, ())
                continue
            with another_session(engine) as session:
                yield _effect(session, catalog, model, day, snapshot, folder, built)


def _effect(
    session: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    model: Model,
    day: date,
    published: Snapshot,
    folder: Path,
    built: dict[str, Path],
) -> Effect:
    checked = {name for check in model.checks for name in check.depends_on}
    set_day(session, day)
    for name in {*model.depends_on, *checked} - {model.name}:
        files = published.locations(name, day, model.lookback_days)
        add_view(session, catalog.models[name], _with_built(published, name, day, files, built))
    target = folder / folder_of(model.name, day) / "rebuilt.parquet"
    target.parent.mkdir(parents=True)
    row_count = build_model(session, model, target)
    if not model.is_day_proved:
        of_all_days = [
            (catalog.models[name], _with_built(published, name, day, published.locations(name, None), built))
            for name in model.depends_on
        ]
        require_declared_days(session, of_all_days, model, day, target)
    built[model.name] = target
    add_view(session, model, [readable(target)])
    before = published.locations(model.name, day)
    comparison = compare_files(session, before[0], target, model.sort_key) if before else None
    failed = []
    if comparison is None or not comparison.is_same:
        failed = [result for result in (run_check(session, check) for check in model.checks) if not result.passed]
    return Effect(model, (), row_count, comparison, tuple(failed))


def _with_built(
    published: Snapshot, name: str, day: date, files: Sequence[str], built: Mapping[str, Path]
) -> Sequence[str]:
    """These published files of a dataset, the day's replaced by the one that was built."""
    if name not in built:
        return files
    return [*(each for each in files if each not in published.locations(name, day)), readable(built[name])]
