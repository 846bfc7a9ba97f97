"""JSON for programs is JSON: keys as the API has them, null for what it has no word for."""

import json
from datetime import UTC, date, datetime
from math import inf, nan

import pytest

from orchestration.cli.json_output import ByColumn, print_json


def test_infinity_and_nan_are_null_wherever_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"sum_before": nan, "rows": [(inf, 1.5)], "sample": [ByColumn(ac_kwh=-inf, parts={"dc_kwh": nan})]})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "sumBefore": None,
        "rows": [[None, 1.5]],
        "sample": [{"ac_kwh": None, "parts": {"dc_kwh": None}}],
    }


def test_days_and_instants_are_iso_8601(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([date(2026, 2, 8), datetime(2026, 2, 8, 7, 30, tzinfo=UTC)])
    assert json.loads(capsys.readouterr().out) == ["2026-02-08", "2026-02-08T07:30:00+00:00"]
