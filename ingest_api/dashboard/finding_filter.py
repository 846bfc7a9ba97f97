"""Which findings a page shows, as its address says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from ingest_api.findings.finding_routes import SORTS
from ingest_api.http.plain_requests import read_number
from ingest_api.http.wire import checked_device_id, read_day
from warehouse.contract.errors import InvalidRequestError
from warehouse.contract.findings import ACTIVE, Rule, Severity, State
from warehouse.postgres.findings.finding_reads import Asked

A_PAGE = 100
"""Findings."""
ALL = "all"
DEFAULT_SORT = "costPerMonth"
_CHOICES = {
    "state": ("", ALL, *State),
    "severity": ("", *Severity),
    "rule": ("", *Rule),
    "sort": tuple(SORTS),
}


@dataclass(frozen=True)
class FindingFilter:
    """What is empty asks for all; of states for those that nobody has settled."""

    state: str = ""
    severity: str = ""
    rule: str = ""
    subject: str = ""
    sort: str = DEFAULT_SORT
    since: str = ""
    minCostPerMonth: str = ""  # noqa: N815 - the parameter's public name
    cursor: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "FindingFilter":
        """The filter of an address; what it says besides is not heeded.

        Raises:
            InvalidRequestError: it asks for something that there is not.
        """
        given = {name: asked[name].strip() for name in cls.__dataclass_fields__ if asked.get(name, "").strip()}
        for name, choices in _CHOICES.items():
            if given.get(name, choices[0]) not in choices:
                raise InvalidRequestError(f"{name} is one of {', '.join(filter(None, choices))}")
        return cls(**given)

    def asked(self) -> Asked:
        """The same for the store.

        Raises:
            InvalidRequestError: a day, an id or a number is none.
        """
        return Asked(
            states=() if self.state == ALL else (self.state,) if self.state else ACTIVE,
            rules=(self.rule,) if self.rule else (),
            severities=(self.severity,) if self.severity else (),
            subject=checked_device_id(self.subject) if self.subject else None,
            min_cost_per_month=_number(self.minCostPerMonth),
            since=_day(self.since),
            sort=SORTS[self.sort],
            limit=A_PAGE,
            cursor=self.cursor or None,
        )

    @property
    def is_default(self) -> bool:
        """Whether it asks for what is to do, and nothing else."""
        return self == FindingFilter(sort=self.sort)

    def query(self, **changed: str) -> str:
        """The address's query that comes to this filter, with its question mark; empty where that asks for nothing."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__} | changed
        said = {name: value for name, value in values.items() if value != getattr(FindingFilter, name)}
        return f"?{urlencode(said)}" if said else ""

    @property
    def api_query(self) -> str:
        """What ``/v1/findings`` is asked for the same."""
        states = ",".join(State) if self.state == ALL else self.state
        return self.query(state=states, cursor="")


def _number(given: str) -> float | None:
    try:
        return float(str(read_number(given))) if given else None
    except ValueError as error:
        raise InvalidRequestError(f"minCostPerMonth: {error}") from error


def _day(given: str) -> date | None:
    try:
        return read_day(given) if given else None
    except ValueError as error:
        raise InvalidRequestError(f"since: {error}") from error
