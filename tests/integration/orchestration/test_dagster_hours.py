"""The hours in Dagster: one run for all that have closed, and none when nothing has."""

from datetime import timedelta

import dagster as dg
import pytest

from orchestration.assets.device_hourly import DEVICE_HOURLY
from orchestration.assets.partitions import hour_key
from orchestration.tags import RUN_KEY_TAG
from tests.integration.orchestration.conftest import FilledDays
from tests.integration.orchestration.dagster_days import FIRST, VEHICLES, Days
from warehouse.contract.partitions import midnight
from warehouse.postgres.connection import connect
from warehouse.postgres.hours.device_hours import hours_to_write


@pytest.fixture
def days(filled_days: FilledDays) -> Days:
    return filled_days(FIRST)


@pytest.mark.long
def test_what_is_missing_is_one_run_and_then_there_is_nothing_to_do(days: Days, instance: dg.DagsterInstance) -> None:
    with connect(days.url) as connection:
        missing = hours_to_write(connection)
    (request,) = days.tick(instance, "closed_hours").run_requests or []
    result = days.write_hours(instance, request)
    assert result.success
    assert days.tick(instance, "closed_hours").skip_message == "every closed hour is written"
    made = instance.get_materialized_partitions(DEVICE_HOURLY)
    assert made == {hour_key(hour) for hour in missing}
    event = instance.get_latest_materialization_event(DEVICE_HOURLY)
    assert event is not None
    assert event.asset_materialization is not None
    told = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert (told["written_hours"], told["hours"]) == (len(missing), len(missing))
    with connect(days.url) as connection:
        ((rows,),) = connection.execute(
            "SELECT count(*) FROM device_hourly WHERE starts_at < %s", [midnight(FIRST) + timedelta(days=1)]
        ).fetchall()
    assert rows >= 2 * VEHICLES * 20


def test_while_a_run_is_under_way_none_is_requested(days: Days, instance: dg.DagsterInstance) -> None:
    days.leave_a_run(instance, dg.DagsterRunStatus.STARTED, {}, job="write_hours")
    assert days.tick(instance, "closed_hours").skip_message == "a run is under way"
    assert len(days.tick(instance).run_requests or []) == 1, "a day's run is requested all the same"


def test_what_failed_is_left_until_the_next_hour(days: Days, instance: dg.DagsterInstance) -> None:
    (request,) = days.tick(instance, "closed_hours").run_requests or []
    tags = {**request.tags, RUN_KEY_TAG: str(request.run_key)}
    days.leave_a_run(instance, dg.DagsterRunStatus.CANCELED, tags, job="write_hours")
    assert "was canceled" in str(days.tick(instance, "closed_hours").skip_message)
