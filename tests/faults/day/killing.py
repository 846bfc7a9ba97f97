"""kill -9 in one phase, again and again; each time the next run must come to what an undisturbed one comes to."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.faults.day.history import History, history_of
from tests.faults.day.outcome import outcome_of
from tests.faults.day.phases import Phase
from tests.faults.day.reader import Reader, reading
from tests.faults.day.site import Command
from tests.faults.day.waiting import until
from tests.faults.day.watch import Watch, watching
from tests.faults.scenario import Stage

MOST_TRIES = 5
"""For each kill that is to hit: a phase may be over before we see that it began."""


def kill_in(stage: Stage, phases: Sequence[type[Phase]]) -> None:
    """The phases one after the other, with a reader at work all the time."""
    with history_of(stage) as history, read_all_the_time(stage) as reader:
        for phase in phases:
            _kill_in_phase(stage, history, reader, phase)


@contextmanager
def read_all_the_time(stage: Stage) -> Iterator[Reader]:
    """A reader, and at the end what it has seen."""
    with reading() as reader:
        yield reader
    looks = reader.looks
    stage.findings.figure("looks_of_the_reader", looks.count)
    stage.findings.require("no reader ever saw half a file", looks.count > 0 and not looks.wrong, looks.told or "")


def _kill_in_phase(stage: Stage, history: History, reader: Reader, kind: type[Phase]) -> None:
    findings, wanted = stage.findings, stage.scale.day_kills
    hits: Counter[str] = Counter()
    differing: list[str] = []
    tries = 0
    while hits.total() < wanted and tries < MOST_TRIES * wanted:
        tries += 1
        phase = kind(history, stage.drawn)
        with history.site(phase.begins_as) as site, reader.looking_at(site, phase.valid):
            with watching(site) as watch:
                where = _kill(phase, watch)
            phase.finish(site)
            differing += phase.undisturbed.differences(outcome_of(site))
        if where:
            hits[where] += 1
    key = kind.name.replace(",", "").replace(" ", "_")
    findings.figure(f"{key}_kills", hits.total())
    findings.figure(f"{key}_kills_elsewhere", tries - hits.total())
    findings.figure(f"{key}_hit", json.dumps(dict(hits.most_common())))
    findings.require(f"{kind.name}: {wanted} kills hit", hits.total() >= wanted, hits.total())
    findings.none_of(f"{kind.name}: the next run comes to what an undisturbed one does", differing)


def _kill(phase: Phase, watch: Watch) -> str:
    """Start the worker, wait for the phase, kill; where that hit."""
    with phase.in_the_way(watch.site):
        command = watch.site.start(*phase.command)
        until(lambda: phase.has_begun(watch) or command.has_ended(), phase.poll_s)
        time.sleep(phase.pause_s)
        was_killed = command.kill()
    watch.wait_until_alone()
    _require_good(command, was_killed=was_killed)
    return phase.where(watch) if was_killed else ""


def _require_good(command: Command, *, was_killed: bool) -> None:
    if not was_killed and command.ended() != 0:
        raise RuntimeError(f"a worker that was to be killed failed by itself:\n{command.said}")
