"""``fleetwatt models check``: whether the models are right, and what they would change on a day that is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import typer

from dbt_like_sql.catalog import Catalog, CatalogError, Model, Problem
from orchestration.cli.json_output import print_json
from orchestration.cli.lake_reader import LakeReader, Unverified, reading_lake
from orchestration.cli.models.catalog import print_problems
from orchestration.cli.models.effects import effect_as_dict, print_effects, print_failed, result_as_dict
from orchestration.cli.models.reached import Reached, print_reached, reached_as_dict, reached_exposures
from orchestration.cli.models.selected import Select, modified_where_it_runs, selected
from orchestration.cli.models.unit_tests import problem_as_dict, unit_test_problems
from orchestration.cli.options import AsJson, Home, notes, read_settings, utc_day
from warehouse.counted import counted
from warehouse.lake.model_effects import Effect, effects_of_models, newest_whole_day
from warehouse.lake.models import CheckResult, bind_problems, check_day
from warehouse.scratch_folder import scratch_folder
from warehouse.settings import FleetSettings


def check(
    *,
    day: Annotated[
        date | None,
        typer.Option(
            parser=utc_day,
            metavar="DAY",
            help="Compare on this UTC day, and run the data checks on what is published of it. "
            "Default: compare on the newest day of the lake.",
        ),
    ] = None,
    select: Select = None,
    unverified: Unverified = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Read all models and checks, bind them in DuckDB, run their unit tests, and list what is wrong with file and line.

    Where the lake has a day, every SQL model is rebuilt beside it, each from what was rebuilt before it, and compared
    with what is published: the effect of a change before it is merged, and which exposures it reaches. The lake itself
    is only read. No database is needed, and no lake for the first part; where the one with the ledger runs, a file that
    is not what was published is refused.

    With -s the selected models are rebuilt and the selected datasets checked. Others are read as they are published:
    what a changed model does to those that read it, NAME+ says. The text of all is read in any case.

    \b
    What a change does to the newest day, or to another:
        fleetwatt models check
        fleetwatt models check --day 2026-02-08
        fleetwatt models check -s state:modified+
    Exit code: 0 the models are right, whatever they change; 1 something is wrong, a unit test fails, or a check does on
    the new numbers; 4 the selection is empty.
    """
    settings = read_settings(FleetSettings, home=home)
    catalog, problems = _read()
    if catalog is None or problems:
        if as_json:
            _print_json(problems, (), Found())
        else:
            print_problems(problems)
        raise typer.Exit(1)
    chosen = selected(catalog, select, modified_where_it_runs(settings, catalog))
    unmet = _run_unit_tests(catalog, quiet=as_json)
    found = _compare(settings, catalog, chosen, day, unverified=unverified)
    if as_json:
        _print_json([], unmet, found)
    elif found.day is None:
        notes.print(f"the lake in {settings.lake} is empty: there is nothing to compare with")
    else:
        _report(found.results, found.day)
        print_effects(found.effects, found.day)
        print_reached(found.reached)
    if unmet or not found.is_right:
        raise typer.Exit(1)


@dataclass(frozen=True)
class Found:
    """What was found on a day: the checks of what is published, the models' effects, and whom they reach."""

    day: date | None = None
    results: Sequence[CheckResult] = ()
    effects: Sequence[Effect] = ()
    reached: Sequence[Reached] = ()

    @property
    def is_right(self) -> bool:
        """Whether no check fails that is no mere warning, neither now nor on what would be published."""
        found = [*self.results, *(result for effect in self.effects for result in effect.failed_checks)]
        return not any(result.stops for result in found)


def _compare(
    settings: FleetSettings, catalog: Catalog, chosen: Sequence[Model], day: date | None, *, unverified: bool
) -> Found:
    with reading_lake(settings) as reader:
        snapshot = reader.snapshot
        compared = day if day else newest_whole_day(snapshot, catalog)
        if compared is None:
            return Found()
        if not unverified:
            _require_intact(reader, chosen, compared)
        if day and not snapshot.select(catalog.models, day):
            notes.print(f"the lake in {settings.lake} has nothing of {compared}: fleetwatt run-day {compared}")
            raise typer.Exit(1)
        # What is not published on the day has nothing to run its checks on: what it would give is checked below.
        results = list(check_day(snapshot, catalog, compared, chosen)) if day else []
        with scratch_folder("check") as folder:
            effects = list(effects_of_models(snapshot, catalog, compared, folder, chosen))
    return Found(compared, results, effects, reached_exposures(catalog, effects))


def _read() -> tuple[Catalog | None, Sequence[Problem]]:
    try:
        catalog = Catalog.load()
    except CatalogError as error:
        return None, error.problems
    return catalog, bind_problems(catalog)


def _run_unit_tests(catalog: Catalog, *, quiet: bool) -> Sequence[Problem]:
    """What is wrong with unit tests, or fails; listed unless ``quiet``. What a change does is shown all the same."""
    checks = sum(len(model.checks) for model in catalog.models.values())
    notes.print(f"{counted(len(catalog.models), 'dataset')} and {counted(checks, 'check')}: their text is right")
    tests, unmet = unit_test_problems(catalog)
    if not unmet:
        notes.print(counted(len(tests), "unit test passes", "unit tests pass"))
    elif not quiet:
        print_problems(unmet, "unit tests")
    return unmet


def _require_intact(reader: LakeReader, chosen: Sequence[Model], day: date) -> None:
    """These datasets of a day, what they read and are checked against, and what they look back on."""
    checked = {name for model in chosen for check in model.checks for name in check.depends_on}
    reader.require_intact(
        sorted({model.name for model in chosen}.union(checked, *(each.depends_on for each in chosen))), day
    )
    for model in chosen:
        if model.lookback_days:
            reader.require_intact(model.depends_on, day, model.lookback_days)


def _report(results: Sequence[CheckResult], day: date) -> None:
    """The data checks of what is published."""
    if not results:
        return
    failed = [result for result in results if not result.passed]
    for result in failed:
        print_failed(result)
    datasets = len({result.check.model for result in results})
    stopping = sum(result.stops for result in failed)
    warning = f", {counted(len(failed) - stopping, 'warns', 'warn')}" if len(failed) > stopping else ""
    checks = f"{counted(len(results), 'check')} of {counted(datasets, 'dataset')}"
    notes.print(f"{day}: {checks}, {stopping} failed{warning}")


def _print_json(problems: Sequence[Problem], unmet: Sequence[Problem], found: Found) -> None:
    said: dict[str, Any] = {
        "problems": [problem_as_dict(problem) for problem in problems],
        "unitTests": [problem_as_dict(problem) for problem in unmet],
        "day": found.day,
        "publishedChecks": [result_as_dict(result) for result in found.results],
        "models": [effect_as_dict(effect) for effect in found.effects],
        "exposures": [reached_as_dict(each) for each in found.reached],
    }
    print_json(said)
