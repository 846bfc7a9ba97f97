"""The command line that all benches share: what is measured is chosen by name, told, and left without a trace."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TypeVar

from tests.benchmarks import machine
from tests.benchmarks.figures import Report
from tests.benchmarks.records import Recorder
from tests.benchmarks.scale import Scale
from tests.benchmarks.stand import Stand

SomeScale = TypeVar("SomeScale", bound=Scale)
SomeStand = TypeVar("SomeStand", bound=Stand)


def run(
    command: str,
    description: str | None,
    measurements: Mapping[str, Callable[[SomeStand], None]],
    scales: tuple[SomeScale, SomeScale],
    stand_of: Callable[[SomeScale, Report, Path | None], SomeStand],
) -> None:
    """Measure the figures that are named. ``scales``: the specification's size and a small one."""
    full, quick = scales
    arguments = _arguments(command, description, list(measurements), full.free_disk_gb)
    given = {name: getattr(arguments, name) for name in ("rounds", "seconds") if getattr(arguments, name)}
    scale = replace(quick if arguments.quick else full, **given)
    signal.signal(signal.SIGTERM, _stop)  # like Ctrl-C: through the end of every block, so that nothing is left
    recorder = Recorder.begin(arguments.json, command, is_quick=arguments.quick) if arguments.json else None
    report = Report(recorder)
    began = time.monotonic()
    with stand_of(scale, report, arguments.folder) as stand:
        for name, measure in measurements.items():
            if name in (arguments.names or measurements):
                report.say(f"{name} ({machine.state(stand.home)})")
                measure(stand)
    print(f"\n{report.table()}")
    report.say(f"took {time.monotonic() - began:.0f} s")


def _arguments(command: str, description: str | None, names: list[str], free_gb: float) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=command, description=description)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; default: all")
    parser.add_argument("--rounds", type=int, help="rounds of each contender, of which the median counts")
    parser.add_argument("--seconds", type=float, help="length of a round of load")
    parser.add_argument("--quick", action="store_true", help="everything small: shows that it works, measures nothing")
    parser.add_argument(
        "--folder", type=Path, help=f"where the temporary folder is made; on a disk, {free_gb:.0f} GB free"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the run and its figures to this file too")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return arguments


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
