"""What is said of models that lag behind: how many days, and who does what about it."""

from datetime import date

import pytest

from warehouse.lifecycle.lagging_models import LaggingModel, Why, lagging_remarks

FIRST, SECOND = date(2026, 2, 8), date(2026, 2, 9)


@pytest.mark.parametrize(
    ("why", "remark"),
    [
        (Why.MISSING, "2 days lack marts, the first is 2026-02-08: fleetwatt models build -s marts --missing"),
        (
            Why.EARLIER_DAYS,
            "2 days look back on days that changed with marts, the first is 2026-02-08: "
            "Dagster builds it by itself, or fleetwatt models build -s marts --missing",
        ),
        (
            Why.UNFINISHED,
            "2 days were only partly built again, beginning with marts, the first is 2026-02-08: "
            "fleetwatt run-day 2026-02-08",
        ),
    ],
)
def test_days_of_one_model_and_reason_are_one_remark(why: Why, remark: str) -> None:
    assert lagging_remarks([LaggingModel(day, "marts", why, "") for day in (FIRST, SECOND)]) == [remark]
