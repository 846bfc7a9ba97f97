"""Two workers on the same day at once: one waits or yields, and none corrupts."""

import time
from collections import Counter
from typing import NamedTuple

from tests.faults.day.history import DAY, History, State, history_of
from tests.faults.day.killing import read_all_the_time
from tests.faults.day.outcome import Outcome, outcome_of
from tests.faults.day.reader import Reader, Valid
from tests.faults.day.watch import watching
from tests.faults.scenario import Stage

MOST_APART_S = 1.0


class Pair(NamedTuple):
    """Two commands, the state they find, and what they must come to together."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    begins_as: State
    comes_to: Outcome


def run(stage: Stage) -> None:
    """The same command twice, and different ones that want the same day."""
    with history_of(stage) as history, read_all_the_time(stage) as reader:
        run_day, imports = ("run-day", str(DAY)), ("import", str(history.late_file))
        for pair in (
            Pair(run_day, run_day, State.CLOSED, history.ran),
            Pair(run_day, imports, State.EXPORTED, history.added_to),
            Pair(imports, imports, State.DROPPED, history.restored),
            Pair(("retain",), ("retain",), State.EXPORTED, history.dropped),
            Pair(("retain",), run_day, State.EXPORTED, history.dropped),
        ):
            _meet(stage, history, reader, pair)


def _meet(stage: Stage, history: History, reader: Reader, pair: Pair) -> None:
    name = f"{pair.first[0]} and {pair.second[0]} of {pair.begins_as} days"
    differing: list[str] = []
    failed: list[str] = []
    waits: Counter[str] = Counter()
    is_new = pair.begins_as is State.CLOSED
    versions = [history.ran] if is_new else [history.exported, history.half_added_to, history.added_to]
    valid = Valid.of(*versions, none_yet=is_new)
    for _ in range(stage.scale.day_meetings):
        with history.site(pair.begins_as) as site, reader.looking_at(site, valid):
            with watching(site) as watch:
                first = site.start(*pair.first)
                time.sleep(stage.drawn.random() * MOST_APART_S)
                second = site.start(*pair.second)
                waited = False
                while not (first.has_ended() and second.has_ended()):
                    waited = waited or watch.somebody_waits()
                    time.sleep(0.01)
            waits["one waited" if waited else "none waited"] += 1
            failed += [command.said for command in (first, second) if command.ended() != 0]
            if pair.comes_to is history.dropped:
                site.retain()  # whoever found the day held has passed it by
            site.run_days()
            differing += pair.comes_to.differences(outcome_of(site))
    stage.findings.figure(name, ", ".join(f"{each}: {count}" for each, count in sorted(waits.items())))
    stage.findings.none_of(f"{name}: both end well", failed)
    stage.findings.none_of(f"{name}: the days come to what one makes of them", differing)
