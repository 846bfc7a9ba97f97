"""The sensors: of closed days that the lake lacks, of closed hours, of findings to be told, and of runs that failed."""

from datetime import UTC, date, datetime

import dagster as dg

from dbt_like_sql.catalog import Catalog
from orchestration.alerting.alerts import Alert, send, tell
from orchestration.alerting.channels import channels_of
from orchestration.assets.partitions import days_of_run
from orchestration.assets.resources import WarehouseParam
from orchestration.dagster_runtime.ui_address import ui_url
from orchestration.scheduling.alert_plan import plan_alerts
from orchestration.scheduling.hour_plan import plan_hours
from orchestration.scheduling.lookback_plan import plan_all
from orchestration.scheduling.past_runs import failure_of
from orchestration.scheduling.untold_days import tell_of_days
from orchestration.tags import PARTITION_NAME_TAG, WILL_RETRY_TAG
from warehouse.contract.errors import FleetwattError
from warehouse.counted import counted
from warehouse.lifecycle.lagging_models import lagging_remarks, unbuilt_models

EVERY_S = 5
HOURS_EVERY_S = 30
ALERTS_EVERY_S = 15
MOST_NAMED = 3


def closed_days_sensor(catalog: Catalog, first_day: date, job_name: str) -> dg.SensorDefinition:
    """The sensor of a warehouse that begins at ``first_day``; ``job_name``: the job that runs a day."""
    told: set[str] = set()
    known: set[date] = set()

    @dg.sensor(
        job_name=job_name,
        description="Asks for a run of each closed day that the lake does not have as it is, oldest first; small ones "
        "that follow each other, after an import of many days, are one run. Then of the models that look back on a "
        "day which changed. Days that are in the lake without a run of Dagster's, made by hand or at a first start, "
        "it tells Dagster of.",
        minimum_interval_seconds=EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def closed_days(context: dg.SensorEvaluationContext, warehouse: WarehouseParam) -> dg.SensorResult:
        """Looks at the ledger, and says of each day that it does not ask for why not."""
        try:
            with warehouse.connect() as connection:
                plan = plan_all(connection, context.instance, first_day, catalog)
                told_of = tell_of_days(connection, context.instance, catalog, warehouse.lake, first_day, known)
                for_a_person = lagging_remarks(unbuilt_models(connection, catalog))
        except FleetwattError as error:
            return dg.SensorResult(skip_reason=f"{error.title}: {error.detail}")
        for remark in set(for_a_person) - told:
            tell(remark)
        told.update(for_a_person)
        why_none = "\n".join([*(plan.remarks or ["every closed day is in the lake"]), *for_a_person])
        return dg.SensorResult(plan.requests, skip_reason=None if plan.requests else why_none, asset_events=told_of)

    return closed_days


def closed_hours_sensor(first_day: date, job_name: str) -> dg.SensorDefinition:
    """The sensor that has closed hours written; ``job_name``: the job that writes them."""

    @dg.sensor(
        job_name=job_name,
        description="Asks for one run when hours have closed that are not written, for all of them together.",
        minimum_interval_seconds=HOURS_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def closed_hours(context: dg.SensorEvaluationContext, warehouse: WarehouseParam) -> dg.SensorResult:
        """Looks for hours that are missing, which is one look at an index."""
        try:
            with warehouse.connect() as connection:
                plan = plan_hours(connection, context.instance, first_day, job_name)
        except FleetwattError as error:
            return dg.SensorResult(skip_reason=f"{error.title}: {error.detail}")
        why_none = "\n".join(plan.remarks) or "every closed hour is written"
        return dg.SensorResult(plan.requests, skip_reason=None if plan.requests else why_none)

    return closed_hours


def untold_findings_sensor(job_name: str) -> dg.SensorDefinition:
    """The sensor that has people told of findings; ``job_name``: the job that does it."""

    @dg.sensor(
        job_name=job_name,
        description="Asks for a run when something happened to a finding that nobody was told of, when a message is "
        "due that was not taken before, and once a day for the digest. Where no channel is set it asks for none.",
        minimum_interval_seconds=ALERTS_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def untold_findings(context: dg.SensorEvaluationContext, warehouse: WarehouseParam) -> dg.SensorResult:
        """Looks for what there is to do, which is one statement."""
        settings = warehouse.settings
        try:
            if not channels_of(settings):
                return dg.SensorResult(skip_reason="no channel is set: FLEET_ALERT_WEBHOOK and others")
            with warehouse.connect() as connection:
                plan = plan_alerts(connection, context.instance, settings, job_name, datetime.now(UTC))
        except FleetwattError as error:
            return dg.SensorResult(skip_reason=f"{error.title}: {error.detail}")
        why_none = "\n".join(plan.remarks) or "everything was told"
        return dg.SensorResult(plan.requests, skip_reason=None if plan.requests else why_none)

    return untold_findings


@dg.run_failure_sensor(minimum_interval_seconds=EVERY_S, default_status=dg.DefaultSensorStatus.RUNNING)
def failed_runs(context: dg.RunFailureSensorContext, warehouse: WarehouseParam) -> None:
    """Tells of each run that failed: in the terminal, in the code server's log, and by each channel that is set."""
    run = context.dagster_run
    if run.tags.get(WILL_RETRY_TAG) == "true":  # by Dagster itself, within seconds
        return
    settings = warehouse.settings
    alert = Alert(
        what=_what(run),
        day=_when(run),
        run_id=run.run_id,
        reason=failure_of(context.instance, run.run_id).reason,
        url=f"{ui_url(settings)}/runs/{run.run_id}",
    )
    send(alert, channels_of(settings))


def _when(run: dg.DagsterRun) -> str:
    days = days_of_run(run)
    if not days:  # an hour, or nothing of the kind
        return run.tags.get(PARTITION_NAME_TAG, "")
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _what(run: dg.DagsterRun) -> str:
    """The job; of a run that a person put together its assets, which Dagster gives no name."""
    assets = sorted(key.to_user_string() for key in run.asset_selection or ())
    if not assets:
        return run.job_name
    return ", ".join(assets) if len(assets) <= MOST_NAMED else f"a run of {counted(len(assets), 'asset')}"
