"""What Dagster loads: ``dagster code-server start -m orchestration.definitions``.

Importing this reads nothing. ``definitions`` reads the catalog's text and which day is the first; the database and the
lake are looked for when something runs.
"""

import os
from datetime import date
from multiprocessing import parent_process

import dagster as dg

from dbt_like_sql.catalog import Catalog
from dbt_like_sql.model import CatalogError
from orchestration.alerting.alerts import tell
from orchestration.assets.device_hourly import device_hourly_asset
from orchestration.assets.exports import export_assets
from orchestration.assets.exposures import exposure_specs
from orchestration.assets.finding_alerts import finding_alerts_asset
from orchestration.assets.fleet_report import fleet_report_asset
from orchestration.assets.models import model_assets
from orchestration.assets.partitions import daily_partitions
from orchestration.assets.report import report_asset, restatements_assets
from orchestration.assets.resources import warehouse_resource
from orchestration.assets.run_config import EXECUTOR, IO_MANAGER, LOGGERS
from orchestration.assets.tables import table_specs
from orchestration.dagster_runtime.first_partition import first_partition
from orchestration.dagster_runtime.forked_runs import fork_runs
from orchestration.scheduling.schedules import WRITE_REPORT, daily_maintenance, daily_report
from orchestration.scheduling.sensors import (
    closed_days_sensor,
    closed_hours_sensor,
    failed_runs,
    untold_findings_sensor,
)
from orchestration.tags import RETRY_STRATEGY_TAG
from warehouse.contract.redaction import redact_output
from warehouse.settings import FleetSettings

RUNS_NICENESS = 19
"""A day can wait, and a device that reports cannot."""
RUN_AGAIN_IN_FULL = {RETRY_STRATEGY_TAG: "ALL_STEPS"}
"""A run that broke off is repeated from the start: each step verifies what is there, and skips what is current."""


@dg.definitions
def definitions() -> dg.Definitions:
    """The definitions of this installation. Loading them is where a process begins, so here the settings are read."""
    redact_output()
    is_run = parent_process() is not None
    if is_run:
        os.setpriority(os.PRIO_PROCESS, 0, max(RUNS_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    else:
        fork_runs()
    try:
        catalog = Catalog.load()
    except CatalogError as error:
        if not is_run:  # in a run's own process there is a run that fails, and that is told
            tell(f"Dagster has nothing to run, because the models cannot be read: {error}")
        raise
    return build_definitions(catalog, first_partition(FleetSettings()))


def build_definitions(catalog: Catalog, first_day: date, settings: FleetSettings | None = None) -> dg.Definitions:
    """All assets, with their checks, and what sets them going; ``settings``: those to work by, else they are read."""
    partitions = daily_partitions(first_day)
    assets = [
        *export_assets(catalog, partitions),
        *model_assets(catalog, partitions),
        report_asset(catalog, partitions),
        *restatements_assets(catalog, partitions),
    ]
    run_day = dg.define_asset_job(
        "run_day",
        selection=dg.AssetSelection.assets(*assets),
        description="The whole daily pipeline. The sensor requests it; to run it by hand: fleetwatt run-day DAY.",
        tags=RUN_AGAIN_IN_FULL,
    )
    hours = device_hourly_asset(catalog, first_day)
    write_hours = dg.define_asset_job(
        "write_hours",
        selection=dg.AssetSelection.assets(hours),
        description="The closed hours of each device. The sensor requests it; to run it by hand: fleetwatt hours.",
        tags=RUN_AGAIN_IN_FULL,
    )
    alerts = finding_alerts_asset(catalog)
    alert = dg.define_asset_job(
        "alert",
        selection=dg.AssetSelection.assets(alerts),
        description="Tells people of findings. The sensor requests it; to run it by hand: fleetwatt alerts send.",
        tags=RUN_AGAIN_IN_FULL,
    )
    report = fleet_report_asset(catalog)
    write_report = dg.define_asset_job(
        WRITE_REPORT,
        selection=dg.AssetSelection.assets(report),
        description="Writes the page for people. The schedule requests it; to run it by hand: fleetwatt report.",
        tags=RUN_AGAIN_IN_FULL,
    )
    return dg.Definitions(
        assets=[*table_specs(catalog), *assets, hours, alerts, report, *exposure_specs(catalog)],
        jobs=[run_day, write_hours, alert, write_report],
        sensors=[
            closed_days_sensor(catalog, first_day, run_day.name),
            closed_hours_sensor(first_day, write_hours.name),
            untold_findings_sensor(alert.name),
            failed_runs,
        ],
        schedules=[daily_maintenance, daily_report],
        resources={"warehouse": warehouse_resource(settings), "io_manager": IO_MANAGER},
        executor=EXECUTOR,
        loggers=LOGGERS,
    )
