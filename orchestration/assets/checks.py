"""Asset checks: those that the catalog declares, and that each export's file holds what the ledger says.

What depends on a dataset that fails one is not made, unless it is declared as a warning. Each result names its day, or
its days where a run has several: Dagster can part checks by partition too, but its UI (1.13) then counts every day that
was never checked as one that did not pass.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from dbt_like_sql.catalog import Model
from warehouse.contract.partitions import Stream
from warehouse.counted import counted
from warehouse.lake.models import CheckResult
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.pipeline_files import Made
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger

LEDGER_CHECK = "file_equals_ledger"


def check_specs(model: Model) -> list[dg.AssetCheckSpec]:
    """The declared checks of a dataset."""
    return [_spec(model, check.name, check.description, is_blocking=check.is_blocking) for check in model.checks]


def ledger_spec(model: Model) -> dg.AssetCheckSpec:
    """The check that an export adds to the declared ones."""
    said = "The file on disk has as many rows as the ledger says, the same energy, first and last instant and devices."
    return _spec(model, LEDGER_CHECK, said)


def evaluations(pipeline: DailyPipeline, made: Made) -> list[dg.AssetCheckResult]:
    """Run the declared checks of what was made."""
    return [
        dg.AssetCheckResult(
            asset_key=str(made.dataset),
            check_name=result.check.name,
            passed=result.passed,
            severity=dg.AssetCheckSeverity.ERROR if result.check.is_blocking else dg.AssetCheckSeverity.WARN,
            description=None if result.passed else _said(result),
            metadata={"day": str(made.day), **_evidence(result)},
        )
        for result in pipeline.checks.run(made.dataset, made.day)
    ]


def ledger_evaluation(pipeline: DailyPipeline, made: Made) -> dg.AssetCheckResult:
    """Count the file of an export, and compare it with what the ledger noted."""
    stream = Stream(made.dataset)
    with connect(pipeline.url) as connection:
        noted = day_ledger.stream_day(connection, stream, made.day)
    found = vars(pipeline.figures(stream, made.location))
    differing = [
        f"{name}: the ledger says {getattr(noted, name)}, the file {value}"
        for name, value in found.items()
        if value != getattr(noted, name)
    ]
    return dg.AssetCheckResult(
        asset_key=stream.value,
        check_name=LEDGER_CHECK,
        passed=not differing,
        description="; ".join(differing) or None,
        metadata={"day": str(made.day), **{name: str(value) for name, value in found.items()}},
    )


def over_days(results: Iterable[Sequence[dg.AssetCheckResult]]) -> list[dg.AssetCheckResult]:
    """Of the results of each day one a check: it passed if it did on every day; the first day that failed is shown."""
    return [of_check[0] if len(of_check) == 1 else _over_days(of_check) for of_check in zip(*results, strict=True)]


def nothing_to_check(keys: Iterable[dg.AssetCheckKey], dataset: str) -> list[dg.AssetCheckResult]:
    """The results of a step all of whose days were skipped: Dagster wants one of each check."""
    names = [key.name for key in keys if key.asset_key == dg.AssetKey(str(dataset))]
    told = {"days": "none: all were skipped"}
    return [dg.AssetCheckResult(passed=True, asset_key=str(dataset), check_name=name, metadata=told) for name in names]


def require_passed(results: Mapping[str, Sequence[dg.AssetCheckResult]]) -> None:
    """Stop here where a check failed that is no mere warning.

    Raises:
        dagster.Failure: it says which datasets, and in the checks' own words what is wrong.
    """
    wrong = [
        f"{dataset}: {result.description} ({result.check_name})"
        for dataset, of_dataset in results.items()
        for result in of_dataset
        if not result.passed and result.severity is dg.AssetCheckSeverity.ERROR
    ]
    if wrong:
        raise dg.Failure("\n".join(["What depends on this is not made, because a check failed.", *wrong]))


def _spec(model: Model, name: str, description: str, *, is_blocking: bool = True) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=model.name, description=description, blocking=is_blocking)


def _over_days(results: Sequence[dg.AssetCheckResult]) -> dg.AssetCheckResult:
    failed = [result for result in results if not result.passed]
    days = f"{results[0].metadata['day'].value} to {results[-1].metadata['day'].value}"
    return dg.AssetCheckResult(
        asset_key=results[0].asset_key,
        check_name=results[0].check_name,
        passed=not failed,
        severity=results[0].severity,
        description="; ".join(f"{result.metadata['day'].value}: {result.description}" for result in failed) or None,
        metadata={"days": days, "failed_days": len(failed), **(failed[0].metadata if failed else {})},
    )


def _said(result: CheckResult) -> str:
    return f"{counted(result.failing_rows, 'row violates', 'rows violate')}: {result.check.description}"


def _evidence(result: CheckResult) -> dict[str, dg.MetadataValue[Any]]:
    evidence: dict[str, dg.MetadataValue[Any]] = {"failing_rows": dg.MetadataValue.int(result.failing_rows)}
    if result.sample:
        evidence["sample"] = dg.MetadataValue.md(_markdown_table(result.sample))
    return evidence


def _markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "\n".join(f"| {' | '.join(str(value) for value in line)} |" for line in lines)
