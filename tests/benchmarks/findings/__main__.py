"""``make bench-findings``: what the rules for losses find in simulated fleets, how soon, and how often they are wrong.

Prints a table and one JSON line for each of its rows. The constants were looked at with the tuning seeds alone; the
reporting seeds were not used before.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tests.benchmarks.findings import (
    clocks,
    depots,
    end_to_end,
    excess,
    first_days,
    other_laws,
    rebuild,
    registers,
    speed,
)
from tests.benchmarks.findings.figures import table
from tests.benchmarks.findings.seasons import SEASONS, VARIANTS
from tests.benchmarks.records import Recorder

Lines = Iterable[dict[str, object]]
MEASUREMENTS: Mapping[str, Callable[[excess.Scale], Lines]] = {
    "excess": excess.measure,
    "end_to_end": lambda scale: end_to_end.measure(scale.seeds, scale.seasons, scale.register_pairs, scale.kept),
    "clocks": lambda scale: clocks.measure(scale.seeds, scale.register_pairs, scale.kept),
    "other_laws": lambda scale: other_laws.measure(
        scale.other_seeds, scale.seasons, scale.pairs, scale.healthy_pairs, scale.other
    ),
    "depots": lambda scale: depots.measure(scale.seeds, scale.pairs // PAIRS_A_DEPOT),
    "registers": lambda scale: registers.measure(scale.seeds, scale.pairs),
    "first_days": lambda scale: first_days.measure(scale.seeds, scale.pairs),
    "speed": lambda scale: speed.measure(SPEED_PAIRS, scale.seeds[0]),
    "rebuild": lambda scale: rebuild.measure(scale.rebuilt_pairs, scale.seeds[0]),
}
SPEED_PAIRS = 10_000
PAIRS_A_DEPOT = 16
"""A depot takes about as long as so many pairs."""
QUICK = excess.Scale(
    excess.TUNING_SEEDS[:1], ("autumn",), 100, ("as drawn",), 0, 30, 50, other_seeds=other_laws.TUNING_SEEDS[:1]
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is named, print."""
    parser = argparse.ArgumentParser("make bench-findings", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="one season of 100 pairs with one tuning seed")
    parser.add_argument("--tuning", action="store_true", help="the tuning seeds, not the reporting ones")
    parser.add_argument("--seeds", type=int, nargs="+", help="these instead")
    parser.add_argument("--seasons", nargs="+", choices=list(SEASONS))
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS))
    parser.add_argument("--laws", nargs="+", choices=list(other_laws.FLEETS), help="of other_laws, these alone")
    parser.add_argument("--limits", nargs="+", choices=list(other_laws.LIMITS), help="of other_laws, these alone")
    parser.add_argument("--pairs", type=int, help="of each fleet with losses")
    parser.add_argument("--healthy-pairs", type=int, help="of each healthy fleet, for a year; 0: none")
    parser.add_argument("--register-pairs", type=int, help="of each fleet that is simulated reading by reading")
    parser.add_argument(
        "--kept", type=Path, metavar="FOLDER", help="keep what end_to_end finds in readings, and use what is there"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the lines to this file too")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(MEASUREMENTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    usual = QUICK if asked.quick else excess.Scale()
    tunes = asked.tuning and not asked.quick
    seeds = asked.seeds or (excess.TUNING_SEEDS if tunes else usual.seeds)
    other_seeds = asked.seeds or (other_laws.TUNING_SEEDS if tunes else usual.other_seeds)
    scale = excess.Scale(
        seeds,
        asked.seasons or usual.seasons,
        asked.pairs or usual.pairs,
        asked.variants or usual.variants,
        usual.healthy_pairs if asked.healthy_pairs is None else asked.healthy_pairs,
        asked.register_pairs or usual.register_pairs,
        usual.rebuilt_pairs,
        asked.kept,
        other_seeds,
        other_laws.Asked(asked.laws or usual.other.laws, asked.limits or usual.other.limits),
    )
    recorder = Recorder.begin(asked.json, "make bench-findings", is_quick=asked.quick) if asked.json else None
    for name in asked.names or MEASUREMENTS:
        rows = list(MEASUREMENTS[name](scale))
        written = "".join(json.dumps({"bench": name, **row}) + "\n" for row in rows)
        sys.stdout.write(f"{table(rows)}\n\n{written}")
        if recorder:
            for line in written.splitlines():
                recorder.add(line)


if __name__ == "__main__":
    main()
