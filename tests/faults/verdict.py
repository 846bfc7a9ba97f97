"""What a scenario saw, and what it says of the product: told at once, and as one line of JSON at the end."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.attempts import Attempts, AttemptsSeen
from tests.faults.audit import Audit

QUICK_ENOUGH_MS = 25.0
"""A p99 that a neighbour on the same machine can cause as well."""

MOST_TOLD = 3

Number = float | int | str


@dataclass
class Findings:
    """The figures and verdicts of one scenario."""

    scenario: str
    figures: dict[str, Number] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    not_run: str = ""
    """Why it could not be tried; empty where it was."""

    def say(self, text: str) -> None:
        """Tell how far it is."""
        print(f"  {text}", flush=True)

    def figure(self, name: str, value: Number) -> None:
        """Note a figure that has no limit."""
        self.figures[name] = round(value, 4) if isinstance(value, float) else value
        self.say(f"{name}: {self.figures[name]}")

    def require(self, what: str, is_so: bool, seen: object = "") -> None:
        """A verdict: what must be so, and what was seen instead."""
        if not is_so:
            self.failed.append(f"{what} ({seen})" if seen != "" else what)
        self.say(f"{'ok    ' if is_so else 'FAILED'} {what}{f': {seen}' if seen != '' else ''}")

    def none_of(self, what: str, found: Sequence[str]) -> None:
        """A verdict: what must be so, and the first few things that speak against it."""
        self.require(what, not found, list(found[:MOST_TOLD]) or "")

    def at_most(self, name: str, value: float, limit: float) -> None:
        """A figure with an upper limit."""
        self.figures[name] = round(value, 4)
        self.require(f"{name} <= {limit:.4g}", value <= limit, f"{value:.4g}")

    def statuses(self, seen: AttemptsSeen, allowed: set[int], of: str = "answers") -> None:
        """How requests ended: there were some, in no other way (0: not connected, -1: lost, -2: silence)."""
        counts = {str(status): count for status, count in sorted(seen.counts().items())}
        self.figures[f"{of}_by_status"] = json.dumps(counts)
        self.require(f"{of} are of {sorted(allowed)}", bool(counts) and set(seen.counts()) <= allowed, counts)

    def hardly_refused(self, seen: AttemptsSeen, of: str) -> None:
        """All answers are good, but for the few that a busy machine was too late for."""
        self.statuses(seen, {200, 201, 503}, of=of)
        self.at_most(f"{of}_refused_share", len(seen.of(503)) / max(1, len(seen)), 0.01)

    def each_503_says_when(self, attempts: Attempts) -> None:
        """Every 429 and 503 came with a ``Retry-After``, and which values were given."""
        self.figure("retry_after_s", ",".join(sorted(value.decode() for value in attempts.retry_after)))
        without = attempts.retry_after[b""]
        self.require("each 429 and 503 says when to try again", without == 0, f"{without} do not")

    def p99_like(self, name: str, seen: AttemptsSeen, before: AttemptsSeen) -> None:
        """The typical p99 is within twice what it was before; what is quick enough for everybody is not compared."""
        self.figure(f"{name}_over_all_before_ms", before.p99_s * 1000)
        self.figure(f"{name}_over_all_ms", seen.p99_s * 1000)
        self.figure(f"{name}_before_ms", before.typical_p99_s * 1000)
        self.at_most(f"{name}_ms", seen.typical_p99_s * 1000, max(2 * before.typical_p99_s * 1000, QUICK_ENOUGH_MS))

    def ledger(self, audit: Audit, in_flight: int, *, others_write: bool = False) -> None:
        """The figures of an audit, and that it found nothing; ``in_flight`` is of the readings that may be unheard."""
        self.figure("acknowledged", audit.acknowledged)
        self.figure("stored", audit.stored)
        self.require("acknowledged is a subset of stored", audit.lost == 0, f"{audit.lost} lost")
        if not others_write:
            self.require(
                "stored minus acknowledged was in flight",
                audit.unexplained == 0 and audit.unheard <= in_flight,
                f"{audit.unheard} unheard, {in_flight} in flight, {audit.unexplained} unexplained",
            )
        self.require("no key is stored twice", audit.doubled == 0, audit.doubled)
        self.require("current states are the newest history", audit.wrong_states == 0, f"{audit.wrong_states} differ")
        self.require("late rows are counted", audit.late_miscounts == 0, f"{audit.late_miscounts} days differ")
        self.require("heap and index agree", audit.heap_and_index_differ == 0, f"{audit.heap_and_index_differ} rows")

    @property
    def verdict(self) -> str:
        """``pass``, ``FAIL`` or ``not run``."""
        return "not run" if self.not_run else "FAIL" if self.failed else "pass"

    def json_line(self) -> str:
        """For machines."""
        line = {"scenario": self.scenario, "verdict": self.verdict, "failed": self.failed, "figures": self.figures}
        return json.dumps(line | ({"not_run": self.not_run} if self.not_run else {}))


def table(all_findings: list[Findings]) -> str:
    """All scenarios, in Markdown."""
    rows = [("scenario", "verdict", "what failed"), ("--------", "-------", "-----------")]
    rows += [(each.scenario, each.verdict, each.not_run or "; ".join(each.failed)) for each in all_findings]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"| {name:<{widths[0]}} | {verdict:<{widths[1]}} | {why} |" for name, verdict, why in rows)
