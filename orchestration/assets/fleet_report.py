"""The report for people, each morning: the last seven days, and each week and month when it has ended."""

from pathlib import Path

import dagster as dg

from dbt_like_sql.catalog import Catalog
from orchestration.assets.code_references import code_of_module
from orchestration.assets.datasets import DAY_REPORT
from orchestration.assets.declared import GOLD, REPORTS, tags
from orchestration.assets.pools import CLOSED_DAYS
from orchestration.assets.report import FIGURES
from orchestration.assets.resources import Warehouse, WarehouseParam, told_plainly
from orchestration.assets.run_config import NO_CONFIG
from warehouse.durability import replace_file
from warehouse.lake.checked_files import require_intact
from warehouse.lake.snapshot import released_snapshot
from warehouse.postgres.ledger.lake_locks import begin_reading
from warehouse.report.lake_facts import files_of
from warehouse.report.report_file import FOLDER, NEWEST, NothingToReportError, due_reports, make_report

FLEET_REPORT = dg.AssetKey("fleet_report")

DESCRIPTION = """A page for people, as one HTML file: what is new, what it costs, the ten to repair first with their
evidence, the quality of the data, standby.

In `reports` of the home: `week.html` has the last seven days; a week that ends on a Sunday and a month get a file of
their own, once. `fleetwatt report` writes any other."""


def fleet_report_asset(catalog: Catalog) -> dg.AssetsDefinition:
    """The asset. It reads what is released, and no day waits for it."""

    @dg.asset(
        key=FLEET_REPORT,
        deps=[DAY_REPORT],
        group_name=REPORTS,
        description=DESCRIPTION,
        owners=[f"team:{catalog.models[FIGURES].owner}"],
        kinds={"html"},
        pool=CLOSED_DAYS,
        config_schema=NO_CONFIG,
        tags=tags(catalog.models[FIGURES].domain, GOLD),
        metadata=code_of_module(__file__),
    )
    def fleet_report(warehouse: WarehouseParam) -> dg.MaterializeResult[None]:
        folder = (warehouse.settings.home / FOLDER).absolute()
        with told_plainly():
            try:
                written = _write_due(warehouse, catalog, folder)
            except NothingToReportError as error:
                return dg.MaterializeResult(metadata={"state": f"skipped: {error.detail}"})
            except OSError as error:
                raise dg.Failure(f"{error.filename or folder} cannot be written: {error.strerror or error}") from error
        return dg.MaterializeResult(
            metadata={
                "newest": dg.MetadataValue.path(str(folder / NEWEST)),
                "written": "\n".join(str(path) for path in written),
            }
        )

    return fleet_report


def _write_due(warehouse: Warehouse, catalog: Catalog, folder: Path) -> list[Path]:
    """Write the newest report, and those of what has ended that are not there yet."""
    with warehouse.connect() as ledger:
        begin_reading(ledger)
        snapshot = released_snapshot(ledger, warehouse.lake)
        due = {folder / name: period for name, period in due_reports(snapshot).items()}
        missing = {path: period for path, period in due.items() if path.name == NEWEST or not path.exists()}
        folder.mkdir(parents=True, exist_ok=True)
        for path, period in missing.items():
            require_intact(snapshot.lake, files_of(snapshot, period), ledger)
            replace_file(path, make_report(snapshot, catalog, period).encode())
    return list(missing)
