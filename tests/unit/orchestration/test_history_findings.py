"""What the terminal tells of findings while the history of the simulated fleet is made."""

from datetime import date
from typing import Any

import polars as pl

from orchestration.local.history_findings import Findings

DAY, NEXT = date(2026, 10, 31), date(2026, 11, 1)


def finding(number: int, **values: Any) -> dict[str, Any]:
    usual = {
        "finding_id": f"{number}",
        "rule": "R1",
        "kind": "loss",
        "state": "open",
        "subject": f"vehicle veh-{number} at meter meter-{number}",
        "detail": "8.0 points are lost",
        "currency": "EUR",
        "cost_per_month": 3.5,
    }
    return {**usual, **values}


def rows(*findings: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(findings, schema=dict.fromkeys(finding(1), pl.String) | {"cost_per_month": pl.Float64})


def test_each_is_told_once_when_it_opens_and_what_the_open_ones_cost() -> None:
    findings = Findings()
    assert findings.new(DAY, rows()) == []
    assert findings.so_far == "0 losses and 0 faults of the data found"
    told = findings.new(DAY, rows(finding(1), finding(2, state="suspected")))
    assert told == ["found on 2026-10-31 (R1): vehicle veh-1 at meter meter-1: 8.0 points are lost"]
    assert findings.so_far == "1 loss and 0 faults of the data found, the open ones cost 3.50 EUR a month"
    frozen = finding(3, rule="R6", kind="data", subject="meter meter-3", cost_per_month=None, currency=None)
    told = findings.new(NEXT, rows(finding(1, state="closed"), finding(2), frozen))
    assert [line.partition(":")[0] for line in told] == ["found on 2026-11-01 (R1)", "found on 2026-11-01 (R6)"]
    assert findings.so_far == "2 losses and 1 fault of the data found, the open ones cost 3.50 EUR a month"


def test_a_device_that_was_silent_for_a_while_is_not_told_of() -> None:
    findings = Findings()
    assert findings.new(DAY, rows(finding(1, rule="R9", kind="data"))) == []
