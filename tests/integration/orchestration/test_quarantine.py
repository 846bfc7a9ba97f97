"""``fleetwatt quarantine``: what was refused, by code, with samples."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.integration.orchestration.conftest import Fleetwatt

pytestmark = pytest.mark.usefixtures("pipelines_url")

OUT_OF_RANGE = '{"vehicleId":"veh-1","soc":150,"kwhDeliveredDc":1,"batteryTemp":20,"timestamp":"2026-02-08T08:00:00Z"}'
NO_JSON = '{"vehicleId":"\x1b[31mred'


@pytest.fixture
def refused(fleetwatt: Fleetwatt, tmp_path: Path) -> Fleetwatt:
    """A database into which a file was imported that holds two lines of one kind and one of another."""
    file = tmp_path / "readings.ndjson"
    file.write_text(f"{OUT_OF_RANGE}\n{OUT_OF_RANGE.replace('150', '170')}\n{NO_JSON}\n", encoding="utf-8")
    assert fleetwatt("import", file).code == 3
    return fleetwatt


def test_it_is_listed_by_code_with_samples(refused: Fleetwatt) -> None:
    said = refused("quarantine", "--samples", "1").out
    assert "out_of_range: 2 items kept, the newest of " in said
    assert "/soc: soc lies between 0 and 100" in said
    assert said.count('"vehicleId":"veh-1"') == 1
    assert "readings.ndjson" in said


def test_a_code_and_a_time_can_be_asked_for(refused: Fleetwatt) -> None:
    assert {each["code"] for each in json.loads(refused("quarantine", "--format", "json").out)} > {"out_of_range"}
    only = json.loads(refused("quarantine", "--code", "out_of_range", "--format", "json").out)
    assert [(each["code"], each["timesSeen"], each["keptCount"]) for each in only] == [("out_of_range", 1, 2)] * 2
    assert only[0]["raw"].startswith('{"vehicleId":"veh-1"')
    later = refused("quarantine", "--since", "2199-01-01")
    assert (later.code, later.out) == (0, "")
    assert "nothing was refused" in later.err
    assert "expected a day (UTC)" in refused("quarantine", "--since", "lately").err


def test_csv_has_a_line_an_item(refused: Fleetwatt) -> None:
    rows = list(csv.DictReader(io.StringIO(refused("quarantine", "--format", "csv").out)))
    assert len(rows) == 3
    assert {row["raw"] for row in rows} >= {OUT_OF_RANGE}
