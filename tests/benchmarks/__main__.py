"""``make bench-ingest``: how fast the ingest tier and the 24 h query are, against baselines of the same run."""

import argparse
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType

from tests.benchmarks import bulk, burst, disk, fresh_query, machine, single, stream, window_query
from tests.benchmarks.figures import Report
from tests.benchmarks.scale import QUICK, Scale
from tests.benchmarks.stand import Stand

MEASUREMENTS = {
    "single": single.measure,
    "bulk": bulk.measure,
    "stream": stream.measure,
    "burst": burst.measure,
    # These three share one large day, and need it in this order: as it was written, vacuumed, packed.
    "fresh": fresh_query.measure,
    "query": window_query.measure,
    "disk": disk.measure,
}


def main() -> None:
    """Measure what was asked for."""
    arguments = _arguments()
    scale = QUICK if arguments.quick else Scale()
    given = {name: getattr(arguments, name) for name in ("rounds", "seconds") if getattr(arguments, name)}
    signal.signal(signal.SIGTERM, _stop)  # like Ctrl-C: through the end of every block, so that nothing is left
    report = Report()
    began = time.monotonic()
    with Stand(replace(scale, **given), report, arguments.folder) as stand:
        for name, measure in MEASUREMENTS.items():
            if name in (arguments.names or MEASUREMENTS):
                report.say(f"{name} ({machine.state(stand.home)})")
                measure(stand)
    print(f"\n{report.table()}")
    report.say(f"took {time.monotonic() - began:.0f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-ingest", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; default: all")
    parser.add_argument("--rounds", type=int, help="rounds of each contender, of which the median counts")
    parser.add_argument("--seconds", type=float, help="length of a round of load")
    parser.add_argument("--quick", action="store_true", help="everything small: shows that it works, measures nothing")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made; on a disk, 15 GB free")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - MEASUREMENTS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return arguments


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
