"""A day that changed has the models that look back on it built again: they alone, by a run that nobody started."""

from dataclasses import replace
from datetime import date

import dagster as dg
import pytest
from psycopg.sql import SQL, Identifier

from orchestration.tags import WHY_TAG
from tests.fewer_models import catalog_of
from tests.integration.orchestration.conftest import FilledDays
from tests.integration.orchestration.dagster_days import FIGURES, FIRST, SECOND, Days
from warehouse.lifecycle.lagging_models import Why, lagging_models
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.lake_files import list_current_files, list_released_files

NOT_LOOKING_BACK = ["dc_exceeds_ac", "low_efficiency_days", "reading_gaps"]
LOOKING_BACK = ["vehicle_trend_28_days", "weekly_vehicle_losses"]
WITH_RESTATEMENTS = sorted(["restatements", *LOOKING_BACK])
"""What a release writes is told with whatever is built by itself."""


def requests(days: Days, instance: dg.DagsterInstance) -> list[tuple[str | None, list[str]]]:
    """The day of each run that the sensor requests, and its datasets; none are named where it is all of them."""
    return [
        (request.partition_key, sorted(key.to_user_string() for key in request.asset_selection or ()))
        for request in days.tick(instance).run_requests or []
    ]


def versions(days: Days, day: date) -> dict[str, int]:
    with connect(days.url) as connection:
        current = {file.dataset: file.version for file in list_current_files(connection, day=day)}
        assert {file.dataset: file.version for file in list_released_files(connection, day)} == current
    return current


@pytest.mark.long
def test_days_that_look_back_on_a_late_reading_are_built_again(
    filled_days: FilledDays, instance: dg.DagsterInstance
) -> None:
    days = replace(filled_days(FIRST, SECOND), catalog=catalog_of(FIGURES, *LOOKING_BACK))
    for day in (FIRST, SECOND):
        days.pipeline.run(day)
    before = versions(days, SECOND)
    days.add_late_reading(FIRST)
    assert requests(days, instance) == [(FIRST.isoformat(), [])], "the day itself comes first"
    days.pipeline.run(FIRST)
    assert requests(days, instance) == [(SECOND.isoformat(), WITH_RESTATEMENTS)]
    (request,) = days.tick(instance).run_requests or []
    assert request.tags[WHY_TAG] == "a day it looks back on changed"
    assert days.run(instance, SECOND, request.tags, WITH_RESTATEMENTS).success
    assert requests(days, instance) == []
    assert versions(days, SECOND) == {name: before[name] + (name in LOOKING_BACK) for name in before}


@pytest.mark.long
def test_what_a_person_has_to_build_is_not_requested(filled_days: FilledDays, instance: dg.DagsterInstance) -> None:
    days = replace(filled_days(FIRST), catalog=catalog_of(FIGURES, *NOT_LOOKING_BACK))
    days.pipeline.run(FIRST)
    with connect(days.url) as connection:
        for table in ("lake_files", "lake_release_files", "lake_file_versions"):
            connection.execute(SQL("DELETE FROM {} WHERE dataset = 'reading_gaps'").format(Identifier(table)))
        connection.execute("UPDATE lake_file_versions SET model_digest = 'older' WHERE dataset = 'dc_exceeds_ac'")
        connection.execute("UPDATE lake_file_versions SET model_digest = NULL WHERE dataset = 'low_efficiency_days'")
        lagging = lagging_models(connection, days.catalog)
    assert [(each.day, each.dataset, each.why) for each in lagging] == [
        (FIRST, "dc_exceeds_ac", Why.OTHER_TEXT),
        (FIRST, "reading_gaps", Why.MISSING),
    ]
    assert requests(days, instance) == []
    days.pipeline.build_models(FIRST, ["dc_exceeds_ac", "reading_gaps"])
    with connect(days.url) as connection:
        assert lagging_models(connection, days.catalog) == []
