"""Rows of the mart ``findings`` for tests that begin behind the lake."""

from datetime import UTC, date, timedelta
from typing import Any
from uuid import UUID, uuid5

from warehouse.contract.partitions import midnight
from warehouse.postgres.findings.retelling import CAUSE, FIGURES

DAY = date(2026, 2, 8)


def later(days: int) -> date:
    """So many days after ``DAY``."""
    return DAY + timedelta(days=days)


def lake_id(name: str) -> str:
    """The id of a finding that a test calls so."""
    return str(uuid5(UUID(int=0), name))


def told(called: str = "loss", **values: Any) -> dict[str, Any]:
    """A loss of 4 points at a pair, open since ``DAY``, but for what is given otherwise."""
    row: dict[str, Any] = dict.fromkeys((*FIGURES, *CAUSE))
    row |= {
        "finding_id": lake_id(called),
        "rule": "R1",
        "name": "excess_loss",
        "rule_version": 1,
        "kind": "loss",
        "state": "open",
        "severity": "warning",
        "subject": "vehicle van-1 at meter dock-1",
        "subject_kind": "pair",
        "vehicle_id": 1,
        "meter_id": 11,
        "opened_on": DAY,
        "closed_on": None,
        "onset_at": midnight(DAY).astimezone(UTC),
        "points": 4.0,
        "excess_kwh": 12.0,
        "kwh_per_month": 40.0,
        "cost": 6.0,
        "cost_per_month": 20.0,
        "currency": "EUR",
        "session_count": 8,
        "cause": "undecided",
        "detail": "4.0 points of the efficiency are lost",
    }
    return row | values


def fault(called: str = "clock", **values: Any) -> dict[str, Any]:
    """A clock that is off, of a vehicle."""
    of_clock = {
        "rule": "R8",
        "name": "clock",
        "kind": "data",
        "subject": "vehicle van-1",
        "subject_kind": "vehicle",
        "cause": None,
        "detail": "an hour behind",
        "session_ids": ["s1", "s2"],
    }
    unknown = dict.fromkeys(("points", "excess_kwh", "kwh_per_month", "cost", "cost_per_month"))
    return told(called, **of_clock | unknown | values)


def closed(row: dict[str, Any], on: date) -> dict[str, Any]:
    """The same, closed by its rule."""
    return row | {"state": "closed", "closed_on": on, "cause": None}
